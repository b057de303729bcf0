/** A list in pieces of `size` entries at most, in order. An empty list has none. */
export function * batchesOf<T> (list: readonly T[], size: number): Generator<T[], void, undefined> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}
