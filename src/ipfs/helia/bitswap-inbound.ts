import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { decodeBitswapMessage, readVarint } from './bitswap-message.ts'
import type { BitswapMessage } from './bitswap-message.ts'

/**
 * Receives bitswap messages in place of @helia/bitswap's own handler, whose `messageReceiveTimeout` can't be right: Go keeps one stream per peer
 * and may be silent on it for minutes, so a low value makes Go stop asking us, and a high one keeps the buffers of every message that long.
 * Here a stream has a timer only while a message has begun and isn't whole, and nothing outlives a message but the engine's own references.
 */
export interface BitswapInboundInit {
  /** How long a message that has begun may stand still. Milliseconds. */
  stallMs: number
  /** Longest message. A longer one resets the stream. */
  maxMessageBytes: number
}

export interface BitswapInboundDeps {
  clock: Pick<Clock, 'after'>
  /** Takes a whole message. What it throws resets the stream. */
  deliver: (message: BitswapMessage) => void
}

type Bytes = Uint8Array | Iterable<Uint8Array>

/** Reads messages from a stream until it ends. */
export function receiveBitswap (stream: Stream, init: BitswapInboundInit, deps: BitswapInboundDeps): void {
  const frames = new FrameReader(init.maxMessageBytes)
  let disarm: (() => void) | undefined
  const rearm = (): void => {
    disarm?.()
    disarm = frames.idle ? undefined : deps.clock.after(init.stallMs, stalled)
  }
  const stalled = (): void => stream.abort(new ClusterError('TIMEOUT', { stallMs: init.stallMs }, { message: 'a bitswap message stands still' }))
  const onMessage = (event: { data: Bytes }): void => {
    try {
      for (const frame of frames.push(event.data)) deps.deliver(decodeBitswapMessage(frame))
      rearm()
    } catch (err) {
      stream.abort(err as Error)
    }
  }
  const onClose = (): void => {
    disarm?.()
    disarm = undefined
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  // nothing is ever answered on this stream
  stream.close().catch(() => {})
}

/** Cuts a byte stream into length-prefixed frames. Each frame is one fresh array: the transport's buffers aren't kept. */
export class FrameReader {
  readonly #maxFrameBytes: number
  #frame: Uint8Array | undefined
  #filled = 0
  #prefix: number[] = []

  constructor (maxFrameBytes: number) { this.#maxFrameBytes = maxFrameBytes }

  /** True between two frames. */
  get idle (): boolean { return this.#frame == null && this.#prefix.length === 0 }

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

const tooLong = (length: number): ClusterError => new ClusterError('INVALID_DATA', { length }, { message: 'a bitswap message is too long' })

