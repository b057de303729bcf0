import { ClusterError } from '../base/errors.ts'
import { defaultLimits, measureValue, type MsgpackLimits } from './msgpack.ts'

/**
 * Cuts a stream of bytes into whole msgpack values (there is no framing: values follow each other, wire-rpc §2). Holds at most one value and
 * one chunk; large values are joined once. Throws INVALID_DATA when the stream ends inside a value or breaks a limit.
 */
export class MsgpackStream {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #limits: MsgpackLimits
  #pending: Buffer[] = []
  #pendingBytes = 0
  #ended = false

  constructor (source: AsyncIterable<Uint8Array>, limits: MsgpackLimits = defaultLimits) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#limits = limits
  }

  /** The next value's bytes; undefined at the end. */
  async next (): Promise<Uint8Array | undefined> {
    let need = 1
    for (;;) {
      while (this.#pendingBytes < need && !this.#ended) await this.#pull()
      if (this.#pendingBytes === 0) return undefined
      if (this.#pendingBytes < need) throw new ClusterError('INVALID_DATA', { bytes: this.#pendingBytes }, { message: 'the stream ends inside a value' })
      const buffer = this.#join()
      const measured = measureValue(buffer, 0, this.#limits)
      if (measured.end != null) return this.#cut(buffer, measured.end)
      need = measured.need
    }
  }

  /** Ends the source without reading the rest. */
  async return (): Promise<void> { await this.#chunks.return?.() }

  async #pull (): Promise<void> {
    const { done, value } = await this.#chunks.next()
    if (done === true) {
      this.#ended = true
      return
    }
    if (value.byteLength === 0) return
    this.#pending.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    this.#pendingBytes += value.byteLength
  }

  #join (): Buffer {
    const first = this.#pending.length === 1 ? this.#pending[0] as Buffer : Buffer.concat(this.#pending)
    this.#pending = [first]
    return first
  }

  #cut (buffer: Buffer, end: number): Uint8Array {
    this.#pending = end < buffer.length ? [buffer.subarray(end)] : []
    this.#pendingBytes = buffer.length - end
    return buffer.subarray(0, end)
  }
}
