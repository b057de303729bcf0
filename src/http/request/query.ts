import { percentDecode } from '../../base/text/byte-text.ts'

/**
 * The query as Go's url.ParseQuery reads it: `+` is a space; pairs with `;` or a broken escape are dropped. Bytes that aren't UTF-8 stand
 * as in `byte-text.ts`.
 */
export class Query {
  readonly raw: string
  #pairs: Map<string, string[]> | undefined
  #hasDropped = false

  constructor (raw: string) { this.raw = raw }

  /** The first value; '' when there is none. */
  get (name: string): string {
    return this.raw === '' ? '' : this.#parsed().get(name)?.[0] ?? ''
  }

  all (name: string): readonly string[] { return this.#parsed().get(name) ?? [] }

  /** Every name once, with its first value. */
  * entries (): IterableIterator<[string, string]> {
    for (const [name, values] of this.#parsed()) yield [name, values[0] ?? '']
  }

  /** Whether a pair was dropped: for who refuses such queries. */
  get hasDropped (): boolean {
    this.#parsed()
    return this.#hasDropped
  }

  #parsed (): Map<string, string[]> {
    this.#pairs ??= this.#parse()
    return this.#pairs
  }

  #parse (): Map<string, string[]> {
    const pairs = new Map<string, string[]>()
    for (const part of this.raw.split('&')) {
      if (part === '') continue
      const pair = pairOf(part)
      if (pair == null) {
        this.#hasDropped = true
        continue
      }
      const [name, value] = pair
      const values = pairs.get(name)
      if (values == null) pairs.set(name, [value])
      else values.push(value)
    }
    return pairs
  }
}

function pairOf (part: string): [name: string, value: string] | undefined {
  if (part.includes(';')) return undefined
  const equals = part.indexOf('=')
  const name = queryUnescape(equals < 0 ? part : part.slice(0, equals))
  const value = queryUnescape(equals < 0 ? '' : part.slice(equals + 1))
  return name == null || value == null ? undefined : [name, value]
}

/** Go's url.QueryUnescape; null when an escape is broken. */
export function queryUnescape (text: string): string | null {
  return percentDecode(text.includes('+') ? text.replaceAll('+', ' ') : text)
}
