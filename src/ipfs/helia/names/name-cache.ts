import { keepNewest } from '../../../base/keep-newest.ts'
import type { Clock } from '../../../base/clock.ts'

interface Entry<Value> { value: Value, at: number, keepUntil: number }

export interface NameCacheInit {
  /** Entries; the one that was asked for least recently goes. 0: nothing is kept. */
  size: number
  /** Nothing is kept for longer. Milliseconds. */
  maxAgeMs: number
}

/** Answers for as long as they may be kept. */
export class NameCache<Value> {
  readonly #init: NameCacheInit
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #entries = new Map<string, Entry<Value>>()

  constructor (init: NameCacheInit, { clock }: { clock: Pick<Clock, 'elapsed'> }) {
    this.#init = init
    this.#clock = clock
  }

  /** `ageMs`: how long ago it was kept. */
  get (name: string): { value: Value, ageMs: number } | undefined {
    const entry = this.#entries.get(name)
    if (entry == null) return undefined
    this.#entries.delete(name)
    const now = this.#clock.elapsed()
    if (now >= entry.keepUntil) return undefined
    this.#entries.set(name, entry)
    return { value: entry.value, ageMs: now - entry.at }
  }

  delete (name: string): void { this.#entries.delete(name) }

  /** Undefined: for how long nobody knows, so not at all. */
  set (name: string, value: Value, forMs: number | undefined): void {
    this.#entries.delete(name)
    const keptMs = Math.min(forMs ?? 0, this.#init.maxAgeMs)
    if (keptMs <= 0 || this.#init.size === 0) return
    const now = this.#clock.elapsed()
    this.#entries.set(name, { value, at: now, keepUntil: now + keptMs })
    keepNewest(this.#entries, this.#init.size)
  }
}
