import { keepNewest } from '../../base/keep-newest.ts'

const mostKnown = 1000

/** Since when nobody could take what certain holders have, as pins on the same holders see it one after the other. */
export class UnplaceableSince {
  readonly #init: { forgetMs: number }
  readonly #seen = new Map<string, { sinceMs: number, atMs: number }>()

  /** What no pin has seen for `forgetMs` counts from anew. */
  constructor (init: { forgetMs: number }) { this.#init = init }

  /** Nobody can take it now; answers since when (the clock's `elapsed`). */
  sinceMs (holders: readonly string[], nowMs: number): number {
    const key = keyOf(holders)
    const known = this.#seen.get(key)
    const sinceMs = known != null && nowMs - known.atMs <= this.#init.forgetMs ? known.sinceMs : nowMs
    this.#seen.delete(key)
    this.#seen.set(key, { sinceMs, atMs: nowMs })
    keepNewest(this.#seen, mostKnown)
    return sinceMs
  }

  /** Somebody can. */
  end (holders: readonly string[]): void { this.#seen.delete(keyOf(holders)) }
}

const keyOf = (holders: readonly string[]): string => holders.toSorted().join(' ')
