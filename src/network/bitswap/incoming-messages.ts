import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { PeerId } from '../../model/cid.ts'
import { decodeBitswapMessage } from '../../wire/bitswap.ts'
import type { BitswapMessage } from '../../wire/bitswap.ts'
import { maxCrdtBlockBytes } from '../../wire/crdt-block.ts'
import { FrameReader } from '../../base/frame-reader.ts'
import type { PeerStream } from '../network.ts'

export interface IncomingMessagesInit {
  /** How long a message that has begun may stall. Milliseconds. */
  stallMs: number
}

export interface IncomingMessagesDeps {
  /** Resolves when the peer's next message may be read. */
  room: (peer: PeerId) => Promise<void>
  take: (peer: PeerId, message: BitswapMessage) => void
  /** A stream was reset: an answer may be lost. */
  lost: (peer: PeerId) => void
  clock: Clock
  log: Logger
}

const maxMessageBytes = maxCrdtBlockBytes + 64 * 1024
/** Streams of one peer. Go opens one for its wants and one for each message of answers, eight at a time. */
const streamsPerPeer = 64
/** Messages of one peer that have begun, together: sixteen of the largest blocks that Go's peers write. */
const heldBytesPerPeer = 16 * 1024 * 1024

/** Messages of a stream until others have a turn: one chunk may have very many small ones. */
const messagesPerTick = 64

interface Held { streams: number, sizeBytes: number }

/** Reads other peers' messages, from each peer only so much at once as it may. What isn't read waits at the peer. */
export class IncomingMessages {
  readonly #init: IncomingMessagesInit
  readonly #deps: IncomingMessagesDeps
  readonly #log: Logger
  readonly #held = new Map<PeerId, Held>()

  constructor (init: IncomingMessagesInit, deps: IncomingMessagesDeps) {
    this.#init = init
    this.#deps = deps
    this.#log = rateLimitedLogger(deps)
  }

  /** Reads messages until the stream ends. Never rejects. */
  async receive (stream: PeerStream): Promise<void> {
    const { remote } = stream
    const held = this.#held.get(remote) ?? { streams: 0, sizeBytes: 0 }
    this.#held.set(remote, held)
    held.streams++
    try {
      if (held.streams > streamsPerPeer) throw tooMuch({ streams: held.streams })
      await stream.closeWrite() // answers go by our own stream
      await this.#read(stream, held)
    } catch (err) {
      if (stream.wasReset.aborted) return this.#deps.lost(remote)
      this.#log.warn('a bitswap stream was refused', { peer: remote, err })
      stream.abort(err as Error)
    } finally {
      if (--held.streams === 0) this.#held.delete(remote)
    }
  }

  /** A timer runs only while a message has begun and isn't whole: Go is silent for minutes. */
  async #read (stream: PeerStream, held: Held): Promise<void> {
    const frames = new FrameReader(maxMessageBytes)
    let disarm: (() => void) | undefined
    let ownBytes = 0
    let messages = 0
    const hold = (sizeBytes: number): void => {
      held.sizeBytes += sizeBytes - ownBytes
      ownBytes = sizeBytes
      if (held.sizeBytes > heldBytesPerPeer && sizeBytes > 0) throw tooMuch({ sizeBytes: held.sizeBytes })
    }
    const stalled = (): void => stream.abort(new ClusterError('TIMEOUT', {}, { message: 'a bitswap message stalled' }))
    try {
      for await (const chunk of stream.source) {
        disarm?.()
        for (const frame of frames.push(chunk)) {
          hold(frame.length)
          if (++messages % messagesPerTick === 0) await yieldToEventLoop()
          await this.#deps.room(stream.remote)
          if (stream.wasReset.aborted) return
          this.#deps.take(stream.remote, decodeBitswapMessage(frame))
        }
        hold(frames.heldBytes)
        disarm = frames.idle ? undefined : this.#deps.clock.after(this.#init.stallMs, stalled)
      }
    } finally {
      disarm?.()
      held.sizeBytes -= ownBytes
    }
  }
}

const tooMuch = (facts: { streams?: number, sizeBytes?: number }): ClusterError =>
  new ClusterError('QUEUE_FULL', facts, { message: 'a peer sends too many bitswap messages at once' })
