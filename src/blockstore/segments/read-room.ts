/**
 * Bounds the bytes of reads under way, so that many readers of large blocks don't fill the memory. One read is always let in, however
 * large. Those that wait come in their order.
 */
export class ReadRoom {
  readonly #maxBytes: number
  readonly #waiting: Array<{ bytes: number, enter: () => void }> = []
  #bytes = 0

  constructor (maxBytes: number) { this.#maxBytes = maxBytes }

  /** True when the read may begin at once; `turn` otherwise. */
  enter (bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false
    this.#bytes += bytes
    return true
  }

  async turn (bytes: number): Promise<void> { await new Promise<void>(resolve => { this.#waiting.push({ bytes, enter: resolve }) }) }

  /** The read is over. */
  leave (bytes: number): void {
    this.#bytes -= bytes
    for (let next = this.#waiting[0]; next != null && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#bytes += next.bytes
      next.enter()
    }
  }

  #fits (bytes: number): boolean { return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes }
}
