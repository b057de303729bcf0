/** Yields the results in the order in which they come. Throws the first rejection when its turn comes. */
export async function * asCompleted<T> (promises: ReadonlyArray<Promise<T>>): AsyncGenerator<T> {
  const waiting = new Map(promises.map((promise, at) => [at, promise.then(value => ({ at, value }))]))
  for (const promise of waiting.values()) promise.catch(() => {})
  while (waiting.size > 0) {
    const { at, value } = await Promise.race(waiting.values())
    waiting.delete(at)
    yield value
  }
}
