/** Changes to a map that hold only once they are committed; reads see them. */
export class MapDraft<T> {
  readonly #base: Map<string, T>
  readonly #changes = new Map<string, T | undefined>()

  constructor (base: Map<string, T>) { this.#base = base }

  has (id: string): boolean { return this.#changes.has(id) ? this.#changes.get(id) != null : this.#base.has(id) }
  get (id: string): T | undefined { return this.#changes.has(id) ? this.#changes.get(id) : this.#base.get(id) }
  set (id: string, value: T | undefined): void { this.#changes.set(id, value) }

  * keys (): Generator<string> {
    for (const id of this.#base.keys()) if (this.has(id)) yield id
    for (const [id, value] of this.#changes) if (value != null && !this.#base.has(id)) yield id
  }

  /** What differs from the map: what came and went meanwhile is left out. */
  * changes (): Generator<[id: string, value: T | undefined]> {
    for (const [id, value] of this.#changes) if (value != null || this.#base.has(id)) yield [id, value]
  }

  commit (): void {
    for (const [id, value] of this.#changes) {
      if (value == null) this.#base.delete(id)
      else this.#base.set(id, value)
    }
    this.#changes.clear()
  }
}
