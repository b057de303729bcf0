import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import { varintBytes } from '../../base/varint.ts'
import type { PeerId } from '../../model/cid.ts'
import { FrameReader } from '../../base/frame-reader.ts'
import { decodeHistoryRequest, encodeHistoryHeads, historyProtocol, maxHeadsPerAnswer, maxHistoryHeaderBytes } from '../../wire/history.ts'
import type { HistoryRequest, HistoryServer, HistorySource } from '../history.ts'
import type { PeerStream, PeerStreams } from '../network.ts'
import { historyWalk } from './walk.ts'

export interface HistoryServerInit {
  /** Answers under way at once, to one peer and to all. More are refused. */
  answersPerPeer: number
  answersAtOnce: number
  /** How long a peer may take to ask, or to take a piece of the answer. Milliseconds. */
  stallMs: number
  /** How long an answer may take in all. Milliseconds. */
  longestMs: number
}

export interface HistoryServerDeps { streams: PeerStreams, source: HistorySource, clock: Clock, log: Logger }

/** Two answers for each peer and 16 in all, half an hour and 30 s of silence for each. */
export const historyServerDefaults: HistoryServerInit = { answersPerPeer: 2, answersAtOnce: 16, stallMs: 30_000, longestMs: 30 * 60_000 }

/** Blocks are written together until there is this much. */
const pieceBytes = 64 * 1024
/** Steps of a walk before others have a turn, when no piece comes together. */
const stepsPerTick = 256

/** Gives other peers the history, as they read. As with bitswap, everybody in the cluster may ask. */
export function historyServer (init: HistoryServerInit, deps: HistoryServerDeps): HistoryServer { return new Server(init, deps) }

class Server implements HistoryServer {
  readonly name = 'history server'
  readonly #init: HistoryServerInit
  readonly #deps: HistoryServerDeps
  readonly #answers = new Set<PeerStream>()
  #release = (): void => {}

  constructor (init: HistoryServerInit, deps: HistoryServerDeps) {
    this.#init = init
    this.#deps = { ...deps, log: rateLimitedLogger(deps) }
  }

  async start (): Promise<void> { this.#release = this.#deps.streams.handle(historyProtocol, stream => { void this.#take(stream) }) }

  async stop (): Promise<void> {
    this.#release()
    for (const stream of this.#answers) stream.abort(new ClusterError('NOT_READY', {}, { message: 'the peer stops' }))
  }

  async #take (stream: PeerStream): Promise<void> {
    const { remote } = stream
    if (this.#isTooMuch(remote)) return stream.abort(new ClusterError('QUEUE_FULL', {}, { message: 'too many answers are under way' }))
    this.#answers.add(stream)
    const cancel = this.#deps.clock.after(this.#init.longestMs, () => stream.abort(new ClusterError('TIMEOUT')))
    try {
      await this.#answer(stream, await this.#inTime(stream, readRequest(stream)))
      await stream.closeWrite()
    } catch (err) {
      if (!stream.wasReset.aborted) this.#deps.log.warn('the history was not sent to a peer', { peer: remote, err: messageOf(err) })
      stream.abort(err instanceof Error ? err : new Error(String(err)))
    } finally {
      cancel()
      this.#answers.delete(stream)
    }
  }

  #isTooMuch (peer: PeerId): boolean {
    const ofPeer = [...this.#answers].filter(({ remote }) => remote === peer).length
    return ofPeer >= this.#init.answersPerPeer || this.#answers.size >= this.#init.answersAtOnce
  }

  async #answer (stream: PeerStream, { roots, known }: HistoryRequest): Promise<void> {
    const { source } = this.#deps
    const heads = source.completeHeads().slice(0, maxHeadsPerAnswer)
    const header = encodeHistoryHeads(heads)
    await this.#inTime(stream, stream.write(varintBytes(header.length), header))
    const walk = historyWalk({ roots, known }, cid => source.getBlock(cid))
    for (const piece of pieces(walk)) {
      if (stream.wasReset.aborted) return
      if (piece.length > 0) await this.#inTime(stream, stream.write(...piece))
      // a write that finds room resolves at once: without this nothing else would run
      await yieldToEventLoop()
    }
  }

  async #inTime<T> (stream: PeerStream, work: Promise<T>): Promise<T> {
    const cancel = this.#deps.clock.after(
      this.#init.stallMs, () => stream.abort(new ClusterError('TIMEOUT', {}, { message: 'the peer does not go on' }))
    )
    try { return await work } finally { cancel() }
  }
}

/** Framed blocks that are written together. An empty piece is a pause. */
function * pieces (walk: ReturnType<typeof historyWalk>): Generator<Uint8Array[]> {
  let piece: Uint8Array[] = []
  let sizeBytes = 0
  let steps = 0
  for (const block of walk) {
    steps++
    if (block != null) {
      piece.push(varintBytes(block.bytes.length), block.bytes)
      sizeBytes += block.bytes.length
    }
    if (sizeBytes < pieceBytes && steps < stepsPerTick) continue
    yield piece
    piece = []
    sizeBytes = steps = 0
  }
  if (piece.length > 0) yield piece
}

async function readRequest ({ source }: PeerStream): Promise<HistoryRequest> {
  const frames = new FrameReader(maxHistoryHeaderBytes)
  for await (const chunk of source) for (const frame of frames.push(chunk)) return decodeHistoryRequest(frame)
  throw new ClusterError('INVALID_DATA', {}, { message: 'a request for history is cut off' })
}
