import { ClusterError } from './errors.ts'

type Bytes = Uint8Array | Iterable<Uint8Array>

/** Cuts a byte stream into length-prefixed frames. Each frame is one fresh array: the transport's buffers aren't kept. */
export class FrameReader {
  readonly #maxFrameBytes: number
  #frame: Uint8Array | undefined
  #filled = 0
  /** The length of the next frame, as far as its prefix has come. */
  #length = 0
  #prefixBytes = 0

  constructor (maxFrameBytes: number) { this.#maxFrameBytes = maxFrameBytes }

  /** True between two frames. */
  get idle (): boolean { return this.#frame == null && this.#prefixBytes === 0 }

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
    this.#length += (byte & 127) * 128 ** this.#prefixBytes++
    if (byte < 128) {
      const length = this.#length
      if (length > this.#maxFrameBytes) throw tooLong(length)
      this.#length = this.#prefixBytes = 0
      this.#filled = 0
      this.#frame = new Uint8Array(length)
    } else if (this.#prefixBytes > 5) {
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

