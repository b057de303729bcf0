import type { Clock } from '../../base/clock.ts'

/** From the eleventh failure in a row on, calls start one second apart, as Go's do. */
const failuresAtFullSpeed = 10
const gapMs = 1000

/** Slows calls down while the other side can't be reached. One success ends that. */
export class Throttle {
  readonly #clock: Clock
  #failures = 0
  #nextAt = 0

  constructor (clock: Clock) { this.#clock = clock }

  /** Resolves when the caller may try. */
  async turn (signal: AbortSignal): Promise<void> {
    if (this.#failures <= failuresAtFullSpeed) return
    const now = this.#clock.elapsed()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + gapMs
    if (at > now) await this.#clock.sleep(at - now, signal)
  }

  reached (): void { this.#failures = 0 }
  unreachable (): void { this.#failures++ }
}
