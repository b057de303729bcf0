import type { Stream } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import { keepNewest } from '../../../base/keep-newest.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { PeerId } from '../../../model/cid.ts'
import { AnswerReader, askFrames, maxAsked } from '../../../wire/block-answers.ts'
import { isContentOf } from '../../../hash/multihash.ts'

export interface BlockLinesInit {
  /** A peer that was asked and sends nothing at all for this long is asked in another way. Milliseconds. */
  quietMs: number
  /** A stream on which nothing is asked for this long is closed. Milliseconds. */
  idleMs: number
  /** A peer that doesn't speak this, or gave what it should not, isn't asked again for this long. Milliseconds. */
  restMs: number
}

export interface BlockLinesDeps {
  /** A stream to a peer; undefined when it doesn't speak the protocol. */
  open: (peer: PeerId, options: { signal: AbortSignal }) => Promise<Stream | undefined>
  clock: Pick<Clock, 'after' | 'elapsed'>
  log: Logger
}

export interface AskOptions {
  signal: AbortSignal
  onAsked?: ((peer: PeerId) => void) | undefined
}

/** Blocks that are asked for and keep the other side busy for some milliseconds. */
const enoughUnderWay = 8
const gatherMs = 2
/** Peers that are remembered as not to be asked. */
const rememberedPeers = 256

/** Asks peers for blocks on one stream each, which stays open: what is asked for comes in that order and needs no message of its own. */
export class BlockLines {
  readonly #init: BlockLinesInit
  readonly #deps: BlockLinesDeps
  readonly #lines = new Map<PeerId, BlockLine>()
  readonly #restUntil = new Map<PeerId, number>()
  #turn = 0

  constructor (init: BlockLinesInit, deps: BlockLinesDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * The block, from one of the peers, who are asked in turn; what several of them have comes from all. Undefined when none that speaks this
   * has it, or says anything. Rejects with the signal's reason.
   */
  async ask (cid: CID, peers: readonly PeerId[], { signal, onAsked }: AskOptions): Promise<Uint8Array | undefined> {
    const first = this.#turn++ % Math.max(1, peers.length)
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      signal.throwIfAborted()
      if (this.#rests(peer)) continue
      onAsked?.(peer)
      const bytes = await this.#line(peer).ask(cid, signal)
      if (bytes != null) return bytes
    }
    return undefined
  }

  #rests (peer: PeerId): boolean {
    const until = this.#restUntil.get(peer)
    if (until == null || until > this.#deps.clock.elapsed()) return until != null
    this.#restUntil.delete(peer)
    return false
  }

  #line (peer: PeerId): BlockLine {
    const known = this.#lines.get(peer)
    if (known != null) return known
    const line: BlockLine = new BlockLine(this.#init, {
      ...this.#deps,
      open: async options => this.#deps.open(peer, options),
      ended: mayComeBack => {
        if (this.#lines.get(peer) === line) this.#lines.delete(peer)
        if (!mayComeBack) this.#rest(peer)
      },
      peer
    })
    this.#lines.set(peer, line)
    return line
  }

  #rest (peer: PeerId): void {
    this.#restUntil.set(peer, this.#deps.clock.elapsed() + this.#init.restMs)
    keepNewest(this.#restUntil, rememberedPeers)
  }
}

interface Ask { cid: CID, isLeft: boolean, answer: (bytes: Uint8Array | undefined) => void }

interface BlockLineDeps extends Omit<BlockLinesDeps, 'open'> {
  open: (options: { signal: AbortSignal }) => Promise<Stream | undefined>
  /** The line is of no use any more. */
  ended: (mayComeBack: boolean) => void
  peer: PeerId
}

/** One stream to one peer. */
class BlockLine {
  readonly #init: BlockLinesInit
  readonly #deps: BlockLineDeps
  readonly #abort = new AbortController()
  /** Those that wait for their answer, in order; the last ones may not have been sent. */
  readonly #asks: Ask[] = []
  readonly #answers = new AnswerReader()
  #unsent = 0
  #stream: Stream | undefined
  #isSending = false
  #isEnded = false
  #cancelTimer: (() => void) | undefined
  /** When the first of those who wait began to, or the peer sent something. */
  #activeAt: number

  constructor (init: BlockLinesInit, deps: BlockLineDeps) {
    this.#init = init
    this.#deps = deps
    this.#activeAt = deps.clock.elapsed()
    this.#open().catch(err => this.#end({ err, mayComeBack: true }))
  }

  async ask (cid: CID, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#isEnded || this.#asks.length >= maxAsked) return undefined
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    const ask: Ask = { cid, isLeft: false, answer: resolve }
    const onAbort = (): void => {
      ask.isLeft = true
      reject(signal.reason)
      // what is on its way is of no use to anybody
      if (this.#asks.every(({ isLeft }) => isLeft)) this.#end({ err: new Error('nobody waits for the blocks'), mayComeBack: true })
    }
    this.#asks.push(ask)
    if (this.#asks.length === 1) this.#watch()
    this.#unsent++
    this.#send()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const bytes = await promise
      return bytes == null || await this.#isRight(cid, bytes) ? bytes : undefined
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #open (): Promise<void> {
    const stream = await this.#deps.open({ signal: this.#abort.signal })
    if (stream == null) return this.#end({ err: undefined, mayComeBack: false })
    if (this.#isEnded) return stream.abort(new Error('nobody waits for the blocks'))
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => this.#take(data))
    const ended = (): void => this.#end({ err: undefined, mayComeBack: true })
    stream.addEventListener('remoteCloseWrite', ended)
    stream.addEventListener('close', ended)
    this.#send()
  }

  /** What is asked for in one go is one message; while enough is on its way, what comes within a moment goes along. */
  #send (): void {
    if (this.#stream == null || this.#isSending) return
    this.#isSending = true
    if (this.#asks.length - this.#unsent < enoughUnderWay) queueMicrotask(() => this.#sendNow())
    else this.#deps.clock.after(gatherMs, () => this.#sendNow())
  }

  #sendNow (): void {
    this.#isSending = false
    if (this.#isEnded || this.#unsent === 0) return
    const asks = this.#asks.slice(-this.#unsent)
    this.#unsent = 0
    this.#stream?.send(askFrames(asks.map(({ cid }) => cid.multihash.bytes)))
  }

  #take (data: Parameters<AnswerReader['push']>[0]): void {
    try {
      for (const block of this.#answers.push(data)) {
        if (this.#asks.length <= this.#unsent) throw new ClusterError('INVALID_DATA', {}, { message: 'a peer sends what nobody asked for' })
        this.#asks.shift()?.answer(block)
      }
      this.#activeAt = this.#deps.clock.elapsed()
    } catch (err) {
      this.#end({ err, mayComeBack: false })
    }
  }

  /** Ends the stream when a request waits and no keep-alive comes, or when nothing was asked for long enough. */
  #watch (): void {
    this.#activeAt = this.#deps.clock.elapsed()
    this.#look()
  }

  #look (): void {
    this.#cancelTimer?.()
    const { quietMs, idleMs } = this.#init
    const leftMs = this.#activeAt + (this.#asks.length > 0 ? quietMs : idleMs) - this.#deps.clock.elapsed()
    if (leftMs > 0) this.#cancelTimer = this.#deps.clock.after(leftMs, () => this.#look())
    else this.#end({ err: this.#asks.length > 0 ? new ClusterError('TIMEOUT') : undefined, mayComeBack: true })
  }

  async #isRight (cid: CID, bytes: Uint8Array): Promise<boolean> {
    if (await isContentOf(cid, bytes)) return true
    this.#deps.log.warn('a peer sent another block than it was asked for', { peer: this.#deps.peer, cid: cid.toString() })
    this.#end({ err: new ClusterError('INVALID_DATA'), mayComeBack: false })
    return false
  }

  #end ({ err, mayComeBack }: { err: unknown, mayComeBack: boolean }): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelTimer?.()
    this.#deps.ended(mayComeBack)
    if (err != null) this.#deps.log.debug('blocks are no longer requested on this stream', { peer: this.#deps.peer, err })
    this.#abort.abort(new Error('blocks are no longer requested on this stream'))
    if (this.#asks.length > 0) this.#stream?.abort(err instanceof Error ? err : new Error('the stream ended'))
    else this.#stream?.close().catch(() => {})
    for (const { answer } of this.#asks.splice(0)) answer(undefined)
  }
}
