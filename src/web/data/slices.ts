export interface SlicesDeps { now: () => number, sleep: (ms: number, signal: AbortSignal) => Promise<void> }

const sliceMs = 8
const never = new AbortController().signal

/** Long work of a page in slices, so that typing and drawing have their turn: `if (slices.isOver) await slices.rest()`. */
export class Slices {
  readonly #clock: SlicesDeps
  readonly #signal: AbortSignal
  #endsAt: number

  constructor (clock: SlicesDeps, signal: AbortSignal = never) {
    this.#clock = clock
    this.#signal = signal
    this.#endsAt = clock.now() + sliceMs
  }

  get isOver (): boolean { return this.#clock.now() >= this.#endsAt }

  /** Rejects with the signal's reason. */
  async rest (): Promise<void> {
    await this.#clock.sleep(0, this.#signal)
    this.#endsAt = this.#clock.now() + sliceMs
  }
}
