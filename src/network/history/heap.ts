/** A binary heap: `pop` gives one that comes before all others. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #comesBefore: (a: T, b: T) => boolean

  constructor (comesBefore: (a: T, b: T) => boolean) { this.#comesBefore = comesBefore }

  push (item: T): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items[above] as T
      if (!this.#comesBefore(item, parent)) break
      items[at] = parent
      at = above
    }
    items[at] = item
  }

  pop (): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length > 0) this.#sink(last as T)
    return first
  }

  /** Puts an item where the first was, and then as far down as it belongs. */
  #sink (item: T): void {
    const items = this.#items
    let at = 0
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && this.#comesBefore(items[child + 1] as T, items[child] as T)) child++
      if (!this.#comesBefore(items[child] as T, item)) break
      items[at] = items[child] as T
      at = child
    }
    items[at] = item
  }
}
