import { ClusterError } from '../base/errors.ts'

/*
 * Reads JSON that another peer wrote, in our own protocols (docs/design/wire). What isn't as it should be throws a TypeError, of which
 * `readForeignJson` makes INVALID_DATA.
 */

/** An object's values by their names, unchecked. */
export type Fields = Readonly<Record<string, unknown>>

/** A value as JSON text in UTF-8. */
export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** What `take` makes of the object in these bytes. Throws INVALID_DATA with the words of `what` when it can't: "not news of pins". */
export function readForeignJson<T> (bytes: Uint8Array, what: string, take: (fields: Fields) => T): T {
  try {
    return take(fieldsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))))
  } catch (err) {
    throw new ClusterError('INVALID_DATA', {}, { message: what, cause: err })
  }
}

/** What an object out of foreign JSON holds, nothing of it checked yet. Throws TypeError for anything else. */
export function fieldsOf (value: unknown): Fields {
  if (typeof value !== 'object' || value == null || Array.isArray(value)) throw new TypeError('not an object')
  return value as Fields
}

/** A whole number from 0 on that can also be a time in milliseconds: one that `Date` can't hold would fail where it is shown. */
export function countOf (value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > 8.64e15) throw new TypeError('not a count')
  return value
}

/** A text of at most so many UTF-16 units. */
export function textOf (value: unknown, longest: number): string {
  if (typeof value !== 'string' || value.length > longest) throw new TypeError('not a text')
  return value
}

/** One of these words. */
export function wordOf<Word extends string> (known: readonly Word[], value: unknown): Word {
  const found = known.find(one => one === value)
  if (found == null) throw new TypeError('not one of the known words')
  return found
}

/** A list of at most so many items, each read by `take`. */
export function listOf<T> (value: unknown, most: number, take: (item: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > most) throw new TypeError('not a list')
  return value.map(item => take(item))
}
