import { harmlessCell } from './colours.ts'
import type { Paint, Style } from './colours.ts'

/** A cell; `style` is how it is painted. */
export type Cell = string | { text: string, style: Style }

/** How items become rows of a table; one item may take several. */
export interface Table<Item> {
  columns: readonly string[]
  rows (item: Item): Cell[][]
}

const sampled = 64

const textOf = (cell: Cell | undefined): string => harmlessCell(typeof cell === 'string' ? cell : cell?.text ?? '')

/**
 * Lines of a table while its items arrive. Columns are as wide as the first 64 rows need (a longer cell later moves its own row only), so
 * memory does not grow with the list. Nothing at all for no items.
 */
export async function * tableLines<Item> (
  items: AsyncIterable<Item> | Iterable<Item>, { columns, rows }: Table<Item>, paint: Paint
): AsyncGenerator<string, void, undefined> {
  let waiting: Cell[][] = []
  let widths: number[] | undefined
  const line = (row: readonly Cell[]): string => lineOf(row, widths ?? [], paint)
  const start = function * (): Generator<string, void, undefined> {
    widths = columns.map((title, at) => Math.max(title.length, ...waiting.map(row => [...textOf(row[at])].length)))
    yield line(columns.map(text => ({ text, style: 'bold' as const })))
    for (const row of waiting) yield line(row)
    waiting = []
  }
  for await (const item of items) {
    if (widths != null) {
      for (const row of rows(item)) yield line(row)
      continue
    }
    waiting.push(...rows(item))
    if (waiting.length >= sampled) yield * start()
  }
  if (waiting.length > 0) yield * start()
}

function lineOf (row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const cells = row.map((cell, at) => {
    const text = textOf(cell)
    const shown = typeof cell === 'string' ? text : paint(cell.style, text)
    return at === row.length - 1 ? shown : shown + ' '.repeat(Math.max(0, (widths[at] ?? 0) - [...text].length))
  })
  return `${cells.join('  ').trimEnd()}\n`
}
