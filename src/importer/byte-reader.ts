import { ClusterError } from '../base/errors.ts'

/** Go's text for input that ends too early. */
const unexpectedEnd = (): ClusterError => new ClusterError('INVALID_ARGUMENT', {}, { message: 'unexpected EOF' })

/** Reads exact numbers of bytes from a stream of pieces. Closing it ends the stream. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #signal: AbortSignal | undefined
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Bytes until the end that `limit` set. */
  #left = Infinity

  constructor (content: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    this.#pieces = content[Symbol.asyncIterator]()
    this.#signal = signal
  }

  /** Whether the stream is at its end. */
  async atEnd (): Promise<boolean> {
    if (this.#left === 0) return true
    while (this.#at === this.#piece.length) if (!await this.#next()) return true
    return false
  }

  /** The stream counts as ended after so many bytes more. */
  limit (length: number): void { this.#left = length }

  /** Passes over bytes. Throws INVALID_ARGUMENT when they aren't there. */
  async skip (length: number): Promise<void> {
    for (let left = length; left > 0;) {
      if (await this.atEnd()) throw unexpectedEnd()
      const part = Math.min(left, this.#piece.length - this.#at, this.#left)
      this.#take(part)
      left -= part
    }
  }

  /** An unsigned varint of at most eight bytes. Throws INVALID_ARGUMENT. */
  async varint (): Promise<number> {
    let value = 0
    let factor = 1
    for (let bytes = 0; bytes < 8; bytes++) {
      if (await this.atEnd()) throw unexpectedEnd()
      const byte = this.#piece[this.#at] ?? 0
      this.#take(1)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'varint overflows a 64-bit integer' })
  }

  /**
   * The next `length` bytes, in memory of their own when they are few or come in several pieces. Throws INVALID_ARGUMENT when they aren't
   * there.
   */
  async bytes (length: number): Promise<Uint8Array> {
    if (length > this.#left) throw unexpectedEnd()
    if (length >= minSharedBytes && this.#piece.length - this.#at >= length) {
      this.#take(length)
      return this.#piece.subarray(this.#at - length, this.#at)
    }
    const bytes = new Uint8Array(length)
    await this.readInto(bytes)
    return bytes
  }

  /** Fills `target` with the next bytes. Throws INVALID_ARGUMENT when they aren't there. */
  async readInto (target: Uint8Array): Promise<void> {
    if (target.length > this.#left) throw unexpectedEnd()
    for (let filled = 0; filled < target.length;) {
      if (await this.atEnd()) throw unexpectedEnd()
      const part = this.#piece.subarray(this.#at, this.#at + target.length - filled)
      target.set(part, filled)
      filled += part.length
      this.#take(part.length)
    }
  }

  async close (): Promise<void> { await this.#pieces.return?.() }

  #take (length: number): void {
    this.#at += length
    this.#left -= length
  }

  async #next (): Promise<boolean> {
    this.#signal?.throwIfAborted()
    const { done, value } = await this.#pieces.next()
    if (done === true) return false
    this.#piece = value
    this.#at = 0
    return true
  }
}

/** Smaller blocks are copied, so that they don't keep a much larger piece in memory. */
const minSharedBytes = 16 * 1024
