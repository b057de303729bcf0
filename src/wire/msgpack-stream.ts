import { ClusterError } from '../base/errors.ts'
import { defaultLimits, ValueScan, type MsgpackLimits } from './msgpack-scan.ts'

/** Pieces up to this are joined with the value that has begun as they are, although its end may be inside of them. */
const smallPieceBytes = 4096
/** So much memory is taken for a value because it says that it is so long; more only as its bytes come. */
const trustedBytes = 1 << 20

/** A block has its CID behind its bytes: it must not need a larger buffer for that. */
const slackBytes = 256

const nothing = Buffer.alloc(0)

/**
 * Cuts a stream of bytes into whole msgpack values (there is no framing: values follow each other, go-libp2p-gorpc). Holds at most one
 * value and one chunk; the work is linear in the bytes, whatever pieces they come in. Throws INVALID_DATA when the stream ends inside a
 * value or breaks a limit.
 */
export class MsgpackStream {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #limits: MsgpackLimits
  /** What has been read and belongs to no value yet. */
  #rest: Buffer = nothing
  /** The value that has begun, and how much of it is here. */
  #value: Buffer = nothing
  #length = 0

  constructor (source: AsyncIterable<Uint8Array>, limits: MsgpackLimits = defaultLimits) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#limits = limits
  }

  /** The next value's bytes; undefined at the end. `limits` replaces some of the stream's own for this value. */
  async next (limits?: Partial<MsgpackLimits>): Promise<Uint8Array | undefined> {
    const chunk = await this.#piece()
    if (chunk == null) return undefined
    const scan = new ValueScan(limits == null ? this.#limits : { ...this.#limits, ...limits })
    let measured = scan.advance(chunk)
    if (measured.end != null) {
      this.#rest = chunk.subarray(measured.end)
      return chunk.subarray(0, measured.end)
    }
    this.#append(chunk, measured.need)
    while (measured.end == null) {
      await this.#gather(measured.need)
      measured = scan.advance(this.#value.subarray(0, this.#length))
    }
    return this.#cut(measured.end)
  }

  /** Ends the source without reading the rest. */
  async return (): Promise<void> { await this.#chunks.return?.() }

  /** What is left of the last chunk, or the next one that isn't empty. */
  async #piece (): Promise<Buffer | undefined> {
    if (this.#rest.length > 0) {
      const rest = this.#rest
      this.#rest = nothing
      return rest
    }
    for (;;) {
      const { done, value } = await this.#chunks.next()
      if (done === true) return undefined
      if (value.byteLength > 0) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
  }

  async #gather (need: number): Promise<void> {
    while (this.#length < need) {
      const piece = await this.#piece()
      if (piece == null) throw new ClusterError('INVALID_DATA', { bytes: this.#length }, { message: 'the stream ends inside a value' })
      const taken = piece.length <= smallPieceBytes ? piece.length : Math.min(piece.length, need - this.#length)
      this.#append(piece.subarray(0, taken), need)
      this.#rest = piece.subarray(taken)
    }
  }

  #append (piece: Buffer, need: number): void {
    const length = this.#length + piece.length
    if (length > this.#value.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, Math.min(need, trustedBytes) + slackBytes, this.#value.length * 2))
      this.#value.copy(larger, 0, 0, this.#length)
      this.#value = larger
    }
    piece.copy(this.#value, this.#length)
    this.#length = length
  }

  #cut (end: number): Uint8Array {
    const value = this.#value.subarray(0, end)
    // only a small piece is taken beyond a value's end, and then nothing is left of the chunk
    if (end < this.#length) this.#rest = Buffer.from(this.#value.subarray(end, this.#length))
    this.#value = nothing
    this.#length = 0
    return value
  }
}
