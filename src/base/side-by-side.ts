/**
 * Does something with each, so many at a time, in order. Rejects with the first failure; what is under way goes on, and so does the rest:
 * who wants it to end passes a signal to what is done.
 */
export async function sideBySide<T> (items: Iterable<T>, atOnce: number, act: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items[Symbol.iterator]()
  const some = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) await act(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, some))
}
