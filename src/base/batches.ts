/** What is iterated over in pieces of `size` entries at most, in order. Nothing has no pieces. */
export function * batchesOf<T> (items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  if (Array.isArray(items)) {
    for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
    return
  }
  let batch: T[] = []
  for (const item of items) {
    if (batch.push(item) < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** What comes one by one, in pieces of `size` entries; the last one has what is left. */
export async function * inBatches<T> (items: AsyncIterable<T>, size: number): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = []
  for await (const item of items) {
    if (batch.push(item) < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
