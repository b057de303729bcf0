import { ClusterError } from '../base/errors.ts'
import { readVarint } from './bitswap.ts'

type Bytes = Uint8Array | Iterable<Uint8Array>

/** Cuts a byte stream into length-prefixed frames. Each frame is one fresh array: the transport's buffers aren't kept. */
export class FrameReader {
  readonly #maxFrameBytes: number
  #frame: Uint8Array | undefined
  #filled = 0
  #prefix: number[] = []

  constructor (maxFrameBytes: number) { this.#maxFrameBytes = maxFrameBytes }

  /** True between two frames. */
  get idle (): boolean { return this.#frame == null && this.#prefix.length === 0 }

  /** Bytes that the frame which has begun takes. */
  get heldBytes (): number { return this.#frame?.length ?? 0 }

  /** Takes bytes and gives the frames that they complete. Throws INVALID_DATA when a frame is too long or its prefix doesn't end. */
  * push (data: Bytes): Generator<Uint8Array> {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      let at = 0
      while (at < chunk.length) {
        at = this.#frame == null ? this.#takePrefix(chunk, at) : this.#takeBody(chunk, at, this.#frame)
        const frame = this.#frame
        if (frame == null || this.#filled < frame.length) continue
        this.#frame = undefined
        if (frame.length > 0) yield frame
      }
    }
  }

  #takePrefix (chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0
    this.#prefix.push(byte)
    if (byte < 128) {
      const length = readVarint(Uint8Array.from(this.#prefix), 0).value
      if (length > this.#maxFrameBytes) throw tooLong(length)
      this.#prefix = []
      this.#filled = 0
      this.#frame = new Uint8Array(length)
    } else if (this.#prefix.length > 5) {
      throw tooLong(-1)
    }
    return at + 1
  }

  #takeBody (chunk: Uint8Array, at: number, frame: Uint8Array): number {
    const part = chunk.subarray(at, at + frame.length - this.#filled)
    frame.set(part, this.#filled)
    this.#filled += part.length
    return at + part.length
  }
}

const tooLong = (length: number): ClusterError => new ClusterError('INVALID_DATA', { length }, { message: 'a message is too long' })

