import type { Time } from '../../model/time.ts'

const secondMs = 1000
const rememberedSeconds = 64

export interface CreatedDeps {
  isTaken (created: Time): boolean
  /** The latest `created` with from <= created < before. */
  latestIn (from: Time, before: Time): Time | undefined
}

/**
 * Gives each new pin of a second its own millisecond, behind all earlier ones of that second; when the second is full, those of the next
 * second follow. Remembers where the last seconds ended, because many pins come with the same one.
 */
export class CreatedTimes {
  readonly #deps: CreatedDeps
  readonly #next = new Map<Time, Time>()

  constructor (deps: CreatedDeps) { this.#deps = deps }

  take (second: Time): Time {
    const known = this.#next.get(second)
    const created = known != null && !this.#deps.isTaken(known) ? known : this.#search(second, known ?? second)
    this.#remember(second, created + 1)
    return created
  }

  /** After a write that was rolled back. */
  forget (): void { this.#next.clear() }

  #search (second: Time, start: Time): Time {
    for (let from = second + Math.floor((start - second) / secondMs) * secondMs; ; from += secondMs) {
      const latest = this.#deps.latestIn(from, from + secondMs)
      if (latest == null) return Math.max(from, start)
      if (latest + 1 < from + secondMs) return latest + 1
    }
  }

  #remember (second: Time, next: Time): void {
    this.#next.delete(second)
    this.#next.set(second, next)
    if (this.#next.size <= rememberedSeconds) return
    for (const oldest of this.#next.keys()) {
      this.#next.delete(oldest)
      return
    }
  }
}
