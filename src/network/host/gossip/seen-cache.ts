import type { Clock } from '../../../base/clock.ts'

export interface SeenCacheInit {
  ttlMs: number
  /** At most so many; the oldest goes first. */
  entries: number
}

/** Remembers message IDs for a time, in bounded memory. Stands in for gossipsub's own, which only time bounds. */
export class BoundedSeenCache {
  readonly #init: SeenCacheInit
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #until = new Map<string, number>()
  /** Goes on behind those that are gone: V8 keeps holes for them, which each new iteration would pass over one by one. */
  #oldest = this.#until.keys()

  constructor (init: SeenCacheInit, clock: Pick<Clock, 'elapsed'>) {
    this.#init = init
    this.#clock = clock
  }

  get size (): number { return this.#until.size }

  /** True when it was there already. */
  put (id: string): boolean {
    if (this.#until.has(id)) return true
    this.#until.set(id, this.#clock.elapsed() + this.#init.ttlMs)
    if (this.#until.size > this.#init.entries) this.#dropOldest()
    return false
  }

  has (id: string): boolean { return this.#until.has(id) }

  /** Forgets what is too old. Entries are in the order of their end. */
  prune (): void {
    const now = this.#clock.elapsed()
    for (const [id, until] of this.#until) {
      if (until >= now) return
      this.#until.delete(id)
    }
  }

  clear (): void {
    this.#until.clear()
    this.#oldest = this.#until.keys()
  }

  #dropOldest (): void {
    const { value } = this.#oldest.next()
    if (value != null) this.#until.delete(value)
  }
}
