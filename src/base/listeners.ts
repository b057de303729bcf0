/** A small typed event source. A listener that throws doesn't keep the others from being called: the first error is thrown at the end. */
export class Listeners<T> {
  readonly #listeners = new Set<(event: T) => void>()

  /** Adds a listener; the returned function removes it. */
  add (listener: (event: T) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Whether there is anybody to be told. */
  get isEmpty (): boolean { return this.#listeners.size === 0 }

  emit (event: T): void {
    let failed: { err: unknown } | undefined
    for (const listener of this.#listeners) {
      try { listener(event) } catch (err) { failed ??= { err } }
    }
    if (failed != null) throw failed.err
  }
}
