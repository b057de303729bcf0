import type { ApiError } from '../../../src/client/errors.ts'
import { harmless } from './colours.ts'
import type { Paint } from './colours.ts'
import { jsonText } from './json.ts'
import { tableLines } from './table.ts'
import type { Table } from './table.ts'
import { errorText } from './text.ts'
import type { CtlTerminal } from '../terminal.ts'

/** `table` is for terminals, and not of Go's. */
export type Encoding = 'text' | 'json' | 'table'

/** How items of one kind are printed. Without a table they are printed as text. */
export interface Format<Item> {
  text (item: Item): string
  json (item: Item): unknown
  table?: Table<Item>
}

export interface PrinterDeps { terminal: Pick<CtlTerminal, 'out' | 'outIsTerminal'>, paint: Paint }

/** Prints answers in the encoding that was asked for. */
export class Printer {
  readonly encoding: Encoding
  readonly paint: Paint
  readonly #out: (text: string) => void
  readonly #isForEyes: boolean

  constructor (encoding: Encoding, { terminal, paint }: PrinterDeps) {
    this.encoding = encoding
    this.paint = paint
    this.#out = text => terminal.out(text)
    this.#isForEyes = terminal.outIsTerminal
  }

  one<Item> (item: Item, format: Format<Item>): void {
    this.#out(this.textOf(item, format))
  }

  /** What `one` prints, but never a table. */
  textOf<Item> (item: Item, format: Format<Item>): string {
    return this.encoding === 'json' ? jsonText(format.json(item)) : this.#shown(format.text(item))
  }

  /** Items as they arrive; in JSON one object after the other. */
  async each<Item> (items: AsyncIterable<Item>, format: Format<Item>): Promise<void> {
    if (this.encoding === 'table' && format.table != null) await this.#table(items, format.table)
    else for await (const item of items) this.one(item, format)
  }

  /** Items that came together; in JSON an array (null when the peer said so). */
  async all<Item> (items: readonly Item[] | null, format: Format<Item>): Promise<void> {
    if (this.encoding === 'json') this.#out(jsonText(items?.map(item => format.json(item)) ?? null))
    else if (this.encoding === 'table' && format.table != null) await this.#table(items ?? [], format.table)
    else for (const item of items ?? []) this.one(item, format)
  }

  error ({ status, message }: ApiError): void {
    const error = { code: status, message }
    this.#out(this.encoding === 'json' ? jsonText(error) : this.#shown(errorText(error)))
  }

  /** In a pipe the bytes are as they came, like Go's. */
  #shown (text: string): string { return this.#isForEyes ? harmless(text) : text }

  async #table<Item> (items: AsyncIterable<Item> | Iterable<Item>, table: Table<Item>): Promise<void> {
    for await (const line of tableLines(items, table, this.paint)) this.#out(line)
  }
}
