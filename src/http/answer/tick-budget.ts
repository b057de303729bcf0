import { inNextTick } from '../../base/event-loop.ts'
/** So much is written in one tick of the event loop: some 10 ms. Bytes. */
const usualMax = 4 * 2 ** 20

/** Text is made here, row by row: it takes as long as so many times its length of bytes that are passed on. */
const textCost = 16

/**
 * Shares out the ticks of the event loop: who writes much takes its bytes here first. Without this, clients that read as fast as we write
 * keep a tick going for a second and more, and of the connections that wait libuv takes in one per tick.
 */
export class TickBudget {
  readonly #maxBytes: number
  readonly #waiting: Array<{ bytes: number, go: () => void }> = []
  #bytes = 0
  #isPlanned = false

  constructor (maxBytes: number = usualMax) { this.#maxBytes = maxBytes }

  /**
   * For a piece that is about to be written. Undefined when it may be now; else resolves in the tick in which it may, in the order of
   * asking.
   */
  take (piece: string | Uint8Array): Promise<void> | undefined {
    const bytes = typeof piece === 'string' ? piece.length * textCost : piece.length
    this.#plan()
    if (this.#waiting.length === 0 && this.#bytes < this.#maxBytes) {
      this.#bytes += bytes
      return undefined
    }
    return new Promise(resolve => { this.#waiting.push({ bytes, go: resolve }) })
  }

  #plan (): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    inNextTick(() => this.#begin())
  }

  #begin (): void {
    this.#isPlanned = false
    this.#bytes = 0
    while (this.#bytes < this.#maxBytes) {
      const next = this.#waiting.shift()
      if (next == null) return
      this.#bytes += next.bytes
      next.go()
    }
    this.#plan()
  }
}
