import { keepNewest } from '../../base/keep-newest.ts'
import type { Clock } from '../../base/clock.ts'

export interface LookupCacheInit {
  /** For how long an answer counts. Milliseconds. */
  freshMs: number
  maxEntries: number
}

/** What API keys and sessions are kept by. */
export const usualLookups: LookupCacheInit = { freshMs: 1000, maxEntries: 20_000 }

export interface LookupCacheDeps<Value> {
  /** Asks the database; null when there is nothing. */
  load: (id: string) => Promise<Value | null>
  clock: Clock
}

interface Entry<Value> { value: Value, loadedAt: number }

/**
 * What every request asks the database for, kept for a second: of keys and sessions by the hash of their secret. Changes by this peer, and
 * told by others, are forgotten at once; whatever is missed (the command line beside the peer, a lost message) holds within that second.
 * What isn't there is not kept.
 */
export class LookupCache<Value extends { account: { id: string } }> {
  readonly #init: LookupCacheInit
  readonly #deps: LookupCacheDeps<Value>
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #loading = new Map<string, Promise<Value | null>>()
  #generation = 0

  constructor (init: LookupCacheInit, deps: LookupCacheDeps<Value>) {
    this.#init = init
    this.#deps = deps
  }

  async get (id: string): Promise<Value | null> {
    const entry = this.#entries.get(id)
    if (entry != null && this.#deps.clock.elapsed() - entry.loadedAt < this.#init.freshMs) return entry.value
    const loading = this.#loading.get(id) ?? this.#load(id)
    return loading
  }

  /** null: of everybody. */
  forget (user: string | null): void {
    this.#generation++
    this.#loading.clear()
    if (user == null) this.#entries.clear()
    else for (const [id, { value }] of this.#entries) if (value.account.id === user) this.#entries.delete(id)
  }

  async #load (id: string): Promise<Value | null> {
    const generation = this.#generation
    const loading = this.#deps.load(id)
    this.#loading.set(id, loading)
    try {
      const loadedAt = this.#deps.clock.elapsed()
      const value = await loading
      if (generation === this.#generation) this.#keep(id, value, loadedAt)
      return value
    } finally {
      if (this.#loading.get(id) === loading) this.#loading.delete(id)
    }
  }

  #keep (id: string, value: Value | null, loadedAt: number): void {
    this.#entries.delete(id)
    if (value == null) return
    this.#entries.set(id, { value, loadedAt })
    keepNewest(this.#entries, this.#init.maxEntries)
  }
}
