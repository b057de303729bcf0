/** A map that lists its keys in ascending order (UTF-16, which for ASCII is byte order). */
export class SortedMap<Value> {
  readonly #values = new Map<string, Value>()
  readonly #keys: string[] = []

  get size (): number { return this.#keys.length }

  get (key: string): Value | undefined { return this.#values.get(key) }

  set (key: string, value: Value): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#position(key), 0, key)
    this.#values.set(key, value)
  }

  delete (key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#position(key), 1)
  }

  /** A copy of the rows from `from` (inclusive) to `before` (exclusive). */
  rows (from: string, before: string): Array<[string, Value]> {
    return this.#keys.slice(this.#position(from), this.#position(before)).map(key => [key, this.#values.get(key) as Value])
  }

  copy (): SortedMap<Value> {
    const copy = new SortedMap<Value>()
    for (const key of this.#keys) {
      copy.#keys.push(key)
      copy.#values.set(key, this.#values.get(key) as Value)
    }
    return copy
  }

  /** Index of the first key that is not less. */
  #position (key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
