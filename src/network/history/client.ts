import { batchesOf } from '../../base/batches.ts'
import { deadline } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import { varintBytes } from '../../base/varint.ts'
import type { PeerId } from '../../model/cid.ts'
import { crdtCid, maxCrdtBlockBytes } from '../../wire/crdt-block.ts'
import { FrameReader } from '../../base/frame-reader.ts'
import { decodeHistoryHeads, encodeHistoryRequest, historyProtocol } from '../../wire/history.ts'
import type { HistoryAnswer, HistoryBlock, HistoryExchange, HistoryRequest } from '../history.ts'
import type { PeerStream, PeerStreams } from '../network.ts'

export interface HistoryClientInit {
  /** How long the other peer may be silent. Milliseconds. */
  stallMs: number
}

export interface HistoryClientDeps {
  streams: PeerStreams
  onPeer: HistoryExchange['onPeer']
  clock: Clock
}

const framesAtOnce = 512

/** 15 s without a byte is a stall. */
export const historyClientDefaults: HistoryClientInit = { stallMs: 15_000 }

/** Asks other peers over streams. What is read is never more than one frame ahead of who takes the blocks. */
export function historyClient (init: HistoryClientInit, deps: HistoryClientDeps): HistoryExchange {
  return {
    ask: async (peer, request, { signal }) => {
      signal.throwIfAborted()
      const question = new Question(init, deps.clock, peer)
      return question.ask(deps.streams, request, signal)
    },
    onPeer: deps.onPeer
  }
}

/** One question and the stream of its answer. */
class Question {
  readonly #init: HistoryClientInit
  readonly #clock: Clock
  readonly #peer: PeerId
  readonly #frames = new FrameReader(maxCrdtBlockBytes)
  #cancelTimer = (): void => {}
  #fault: unknown
  #isComplete = false

  constructor (init: HistoryClientInit, clock: Clock, peer: PeerId) {
    this.#init = init
    this.#clock = clock
    this.#peer = peer
  }

  async ask (streams: PeerStreams, request: HistoryRequest, signal: AbortSignal): Promise<HistoryAnswer> {
    const stream = await this.#open(streams, signal)
    const onAbort = (): void => this.#end(stream, signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const release = (): void => {
      signal.removeEventListener('abort', onAbort)
      this.#cancelTimer()
    }
    try {
      if (signal.aborted) throw signal.reason
      this.#watch(stream)
      const header = encodeHistoryRequest(request)
      await stream.write(varintBytes(header.length), header)
      await stream.closeWrite()
      const chunks = this.#batches(stream)
      const { value: first } = await chunks.next()
      if (first == null) throw new ClusterError('INVALID_DATA', { peer: this.#peer }, { message: 'an answer without heads' })
      const [heads, ...rest] = first
      const blocks = this.#blocks(stream, { chunks, rest, release })
      return { heads: decodeHistoryHeads(heads as Uint8Array), blocks, end: () => this.#leave(stream, release) }
    } catch (err) {
      release()
      this.#end(stream, err)
      throw this.#fault
    }
  }

  async #open (streams: PeerStreams, parent: AbortSignal): Promise<PeerStream> {
    const { signal, clear } = deadline(this.#clock, this.#init.stallMs, () => this.#tooLate(), parent)
    try { return await streams.open(this.#peer, historyProtocol, { signal }) } finally { clear() }
  }

  async * #blocks (
    stream: PeerStream, { chunks, rest, release }: { chunks: AsyncGenerator<Uint8Array[]>, rest: Uint8Array[], release: () => void }
  ): AsyncGenerator<HistoryBlock[]> {
    try {
      if (rest.length > 0) yield rest.map(checked)
      for await (const frames of chunks) yield frames.map(checked)
      this.#isComplete = true
    } catch (err) {
      this.#end(stream, err)
      throw this.#fault
    } finally {
      this.#leave(stream, release)
    }
  }

  #leave (stream: PeerStream, release: () => void): void {
    release()
    if (!this.#isComplete) this.#end(stream, new Error('enough of the history'))
  }

  /** The frames of each chunk that completes some, so many at once at most. The timer runs only while this side waits. */
  async * #batches (stream: PeerStream): AsyncGenerator<Uint8Array[]> {
    this.#watch(stream)
    for await (const chunk of stream.source) {
      for (const frames of batchesOf(this.#frames.push(chunk), framesAtOnce)) {
        this.#cancelTimer()
        yield frames
        this.#watch(stream)
        // tiny frames are as much work as others
        if (frames.length === framesAtOnce) await yieldToEventLoop()
      }
    }
    if (!this.#frames.idle) throw new ClusterError('INVALID_DATA', { peer: this.#peer }, { message: 'an answer is cut off' })
  }

  #watch (stream: PeerStream): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#clock.after(this.#init.stallMs, () => this.#end(stream, this.#tooLate()))
  }

  #tooLate (): ClusterError {
    return new ClusterError('TIMEOUT', { peer: this.#peer }, { message: 'a peer stalls while it sends the history' })
  }

  /** The first reason is the one that is told. */
  #end (stream: PeerStream, reason: unknown): void {
    this.#fault ??= reason
    stream.abort(reason instanceof Error ? reason : new Error(String(reason)))
  }
}

const checked = (bytes: Uint8Array): HistoryBlock => ({ cid: crdtCid(bytes), bytes })
