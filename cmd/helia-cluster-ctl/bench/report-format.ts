import type { Cell, Table } from '../print/table.ts'
import type { Format } from '../print/printer.ts'
import type { BenchReport, Measured } from './report.ts'

/** One line of a report; `before` is the same of another run. */
export interface Row { what: string, now: Measured, before?: Measured }

/** The operations in their order, then all of them. */
export function rowsOf (report: BenchReport, before?: BenchReport): Row[] {
  const row = (what: string, now: Measured, then: Measured | undefined): Row => ({ what, now, ...(then == null ? {} : { before: then }) })
  return [
    ...Object.entries(report.operations).map(([what, now]) => row(what, now, before?.operations[what as keyof BenchReport['operations']])),
    row('all', report.all, before?.all)
  ]
}

/** "+12 %", "-3 %", "±0 %"; empty when there was nothing before. */
export function change (now: number, before: number): string {
  if (before === 0) return ''
  const percent = Math.round((now / before - 1) * 100)
  return `${percent > 0 ? '+' : percent === 0 ? '±' : ''}${percent} %`
}

/** Less is changed by chance from one run to the next. */
const notablePercent = 10

function changeCell (now: number, before: number | undefined, isBetter: 'more' | 'less'): Cell {
  const text = before == null ? '' : change(now, before)
  if (before == null || text === '') return ''
  const percent = (now / before - 1) * 100
  if (Math.abs(percent) < notablePercent) return text
  return { text, style: percent > 0 === (isBetter === 'more') ? 'green' : 'red' }
}

/** A table for people: with `before` each figure has its change beside it. */
function rowTable (isCompared: boolean): Table<Row> {
  const beside = (cell: Cell): Cell[] => isCompared ? [cell] : []
  const title = (text: string): string[] => isCompared ? [text, ''] : [text]
  return {
    columns: ['REQUEST', 'COUNT', ...title('PER SECOND'), ...title('P50 MS'), ...title('P99 MS'), ...title('MAX MS'), 'ERRORS'],
    rows: ({ what, now, before }) => [[
      what, String(now.count),
      String(now.rate), ...beside(changeCell(now.rate, before?.rate, 'more')),
      String(now.p50_ms), ...beside(changeCell(now.p50_ms, before?.p50_ms, 'less')),
      String(now.p99_ms), ...beside(changeCell(now.p99_ms, before?.p99_ms, 'less')),
      String(now.max_ms), ...beside(changeCell(now.max_ms, before?.max_ms, 'less')),
      now.errors === 0 ? '0' : { text: String(now.errors), style: 'red' }
    ]]
  }
}

function figure (name: string, unit: string, { now, before }: { now: number, before: number | undefined }): string {
  const by = before == null ? '' : change(now, before)
  return `${name}${now}${unit}${by === '' ? '' : ` (${by})`}`
}

/** Lines for scripts, or the table. */
export const rowFormat = (isCompared: boolean): Format<Row> => ({
  text: ({ what, now, before }) => `${[
    `${what}: ${now.count}`, figure('', '/s', { now: now.rate, before: before?.rate }),
    figure('p50 ', ' ms', { now: now.p50_ms, before: before?.p50_ms }), figure('p99 ', ' ms', { now: now.p99_ms, before: before?.p99_ms }),
    figure('max ', ' ms', { now: now.max_ms, before: before?.max_ms }), `${now.errors} errors`
  ].join(', ')}\n`,
  json: row => row,
  table: rowTable(isCompared)
})
