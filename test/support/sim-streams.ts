import type { Clock, Random } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { PeerStream, PeerStreams } from '../../src/network/network.ts'
import type { Gate } from './sim-clock.ts'

/** A peer's run as the other ends of its streams see it. */
export interface StreamPlace {
  readonly peer: PeerId
  /** Its process has ended; nothing of it goes on. */
  readonly isGone: boolean
  /** Whether its process runs. Without it, always. */
  readonly gate?: Gate | undefined
}

/** How pieces of streams fare: longest delay in milliseconds, and the share that has to be sent again, 0 to 1. */
export interface StreamFaults { delayMs: number, loss: number }

export interface SimStreamsDeps {
  faults: () => StreamFaults
  random: Random
  clock: Clock
  /** Who is there, and can be reached in both directions. */
  reach: (from: StreamPlace, to: PeerId) => StreamPlace | undefined
  /** Told of each piece that arrives, */
  arrived: (what: string, ends: { from: StreamPlace, to: StreamPlace, bytes: number }) => void
  /** and of each that doesn't, for a cut or an end that isn't there. */
  missed: (from: StreamPlace, to: PeerId) => void
}

type Handler = (stream: PeerStream) => void
type Piece = { kind: 'bytes', bytes: Uint8Array } | { kind: 'end' } | { kind: 'reset' }

/** What was lost is sent again after so long, then after twice as long, … Milliseconds. */
const resendMs = 250
/** A stream whose other end is out of reach for so long is found to be broken. Milliseconds. */
const brokenAfterMs = 10_000
/** Pieces that were written and not read yet, in each direction. */
const window = 16

/**
 * Streams between runs of peers, in simulated time: pieces come whole and in order, late and later still when they have to be sent again.
 * Who is gone or out of reach takes its streams along.
 */
export class SimStreams {
  readonly #deps: SimStreamsDeps
  readonly #handlers = new WeakMap<StreamPlace, Map<string, Handler>>()
  /** Ends of streams that are not over, by their place. */
  readonly #open = new WeakMap<StreamPlace, Set<StreamEnd>>()

  constructor (deps: SimStreamsDeps) { this.#deps = deps }

  /** The network's streams as a run sees them. */
  of (place: StreamPlace): PeerStreams {
    const own = new Map<string, Handler>()
    this.#handlers.set(place, own)
    return {
      open: async (peer, protocol, { signal } = {}) => this.#dial({ place, peer, protocol, signal }),
      handle: (protocol, handler) => {
        own.set(protocol, handler)
        return () => { if (own.get(protocol) === handler) own.delete(protocol) }
      }
    }
  }

  /** The run's host stops: its streams are reset, and no more are taken. */
  close (place: StreamPlace): void {
    this.#handlers.get(place)?.clear()
    for (const end of this.#open.get(place) ?? []) end.abort(new Error('the host stops'))
  }

  async #dial (
    { place, peer, protocol, signal }: { place: StreamPlace, peer: PeerId, protocol: string, signal: AbortSignal | undefined }
  ): Promise<PeerStream> {
    const { clock, reach, missed } = this.#deps
    signal?.throwIfAborted()
    await running(place)
    await clock.sleep(this.#delayMs(), signal)
    const there = reach(place, peer)
    if (there == null) {
      missed(place, peer)
      await clock.sleep(brokenAfterMs, signal)
      await running(place)
      throw new ClusterError('PEER_UNREACHABLE', { peer })
    }
    if (await this.#isSilent(there, signal)) {
      await running(place)
      throw new ClusterError('PEER_UNREACHABLE', { peer })
    }
    this.#deps.arrived(`open ${protocol}`, { from: place, to: there, bytes: 0 })
    const handler = this.#handlers.get(there)?.get(protocol)
    await running(place)
    if (handler == null) throw new ClusterError('UNSUPPORTED', { peer, protocol })
    const [near, far] = this.#pair(place, there, protocol)
    handler(far)
    return near
  }

  /** Whether a process that stands still, and may end so, hasn't answered when its connection is found to be broken. */
  async #isSilent (there: StreamPlace, signal: AbortSignal | undefined): Promise<boolean> {
    const answered = new AbortController()
    const patience = this.#deps.clock.sleep(2 * brokenAfterMs, AbortSignal.any([answered.signal, ...(signal == null ? [] : [signal])]))
    try {
      return await Promise.race([running(there).then(() => false), patience.then(() => true)])
    } finally {
      answered.abort()
    }
  }

  #pair (near: StreamPlace, far: StreamPlace, protocol: string): [PeerStream, PeerStream] {
    const over = (end: StreamEnd): void => { this.#openOf(end.here).delete(end) }
    const init = { protocol, deps: this.#deps, delayMs: () => this.#delayMs(), over }
    const [one, other] = [new StreamEnd({ ...init, here: near, there: far }), new StreamEnd({ ...init, here: far, there: near })]
    one.other = other
    other.other = one
    for (const end of [one, other]) this.#openOf(end.here).add(end)
    return [one, other]
  }

  #openOf (place: StreamPlace): Set<StreamEnd> {
    const open = this.#open.get(place) ?? new Set()
    this.#open.set(place, open)
    return open
  }

  /** Of one piece: its way, and the times that it had to be sent again. */
  #delayMs (): number {
    const { faults, random } = this.#deps
    const { delayMs, loss } = faults()
    let late = 0
    for (let wait = resendMs; late < brokenAfterMs && random.float() < loss; wait *= 2) late += wait
    return late + random.float() * delayMs
  }
}

/** Resolves when the process runs: at once where none ever stands still, never when it has ended. */
async function running ({ gate, isGone }: StreamPlace): Promise<void> {
  if (isGone) await new Promise(() => {})
  if (gate != null) await new Promise<void>(resolve => gate.whenRunning(resolve))
}

interface EndInit {
  here: StreamPlace, there: StreamPlace, protocol: string, deps: SimStreamsDeps, delayMs: () => number, over: (end: StreamEnd) => void
}

/** One end of a stream. */
class StreamEnd implements PeerStream {
  other: StreamEnd = this
  readonly remote: PeerId
  readonly source: AsyncIterable<Uint8Array>
  readonly #init: EndInit
  readonly #reset = new AbortController()
  readonly #ended = new AbortController()
  /** What has arrived and wasn't read. */
  readonly #unread: Uint8Array[] = []
  /** What is on its way to the other end, in order; true: it is there. */
  readonly #under: Array<{ piece: Piece, isThere: boolean }> = []
  #fault: Error | undefined
  #isWritingOver = false
  #isReadingOver = false
  #wakes: Array<() => void> = []
  #stopWatch: () => void = () => {}
  #missingSince: number | undefined

  constructor (init: EndInit) {
    this.#init = init
    this.remote = init.there.peer
    this.source = this.#read()
    this.#watch()
  }

  get here (): StreamPlace { return this.#init.here }
  get wasReset (): AbortSignal { return this.#reset.signal }
  get remoteEnded (): AbortSignal { return this.#ended.signal }

  async write (...pieces: Uint8Array[]): Promise<void> {
    // what is written together travels together
    const bytes = Buffer.concat(pieces)
    while (this.#fault == null && this.#under.length + this.other.#unread.length >= window) await this.#changed()
    if (this.#fault != null) throw this.#fault
    this.#send({ kind: 'bytes', bytes })
  }

  async closeWrite (): Promise<void> {
    if (this.#isWritingOver || this.#fault != null) return
    this.#isWritingOver = true
    this.#send({ kind: 'end' })
    this.#restMaybe()
  }

  abort (reason: Error): void {
    if (this.#fault != null || this.#isOver) return
    this.#send({ kind: 'reset' })
    this.#break(reason)
  }

  get #isOver (): boolean { return this.#isWritingOver && this.#isReadingOver && this.#unread.length === 0 }

  async * #read (): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#fault != null) throw this.#fault
      const bytes = this.#unread.shift()
      if (bytes != null) {
        this.other.#wake()
        yield bytes
      } else if (this.#isReadingOver) return
      else await this.#changed()
    }
  }

  #send (piece: Piece): void {
    const sent = { piece, isThere: false }
    this.#under.push(sent)
    this.#travel(sent, this.#init.delayMs())
  }

  #travel (sent: { piece: Piece, isThere: boolean }, delayMs: number): void {
    const { here, there, deps: { clock, reach, missed } } = this.#init
    clock.after(delayMs, () => {
      if (there.isGone || this.other.#fault != null) return
      if (reach(here, there.peer) !== there) {
        missed(here, there.peer)
        // until an end finds that the stream is broken
        this.#travel(sent, 4 * resendMs)
      } else if (there.gate == null) this.#come(sent)
      else there.gate.whenRunning(() => this.#come(sent))
    })
  }

  /** Nothing overtakes. */
  #come (sent: { isThere: boolean }): void {
    sent.isThere = true
    for (let first = this.#under[0]; first?.isThere === true; first = this.#under[0]) {
      this.#under.shift()
      this.other.#take(first.piece)
    }
    this.#wake()
  }

  #take (piece: Piece): void {
    const { here, there, protocol, deps } = this.#init
    if (here.isGone || this.#fault != null) return
    deps.arrived(protocol, { from: there, to: here, bytes: piece.kind === 'bytes' ? piece.bytes.length : 0 })
    if (piece.kind === 'reset') {
      this.#break(new Error('the other side has reset it'))
      return
    }
    if (piece.kind === 'bytes') this.#unread.push(piece.bytes)
    else {
      this.#isReadingOver = true
      this.#ended.abort(new Error('the other side closed'))
      this.#restMaybe()
    }
    this.#wake()
  }

  #break (cause: Error): void {
    this.#fault = new ClusterError('PEER_UNREACHABLE', { peer: this.remote }, { message: 'stream reset', cause })
    this.#stopWatch()
    this.#init.over(this)
    this.#reset.abort(this.#fault)
    this.#ended.abort(this.#fault)
    this.#wake()
  }

  /** A connection that is no more is found out in time. */
  #watch (): void {
    const { here, there, deps: { clock, reach } } = this.#init
    this.#stopWatch = clock.after(brokenAfterMs / 2, () => {
      if (here.isGone) return
      // who has given the connection up answers the next sign of life with a reset, whatever was lost before
      const isThere = reach(here, there.peer) === there && this.other.#fault == null
      const wasMissing = this.#missingSince != null
      this.#missingSince = isThere ? undefined : this.#missingSince ?? clock.now()
      if (!wasMissing || isThere) this.#watch()
      else if (here.gate == null) this.#break(new Error('the connection is gone'))
      else here.gate.whenRunning(() => { if (this.#fault == null) this.#break(new Error('the connection is gone')) })
    })
  }

  #restMaybe (): void {
    if (!this.#isWritingOver || !this.#isReadingOver) return
    this.#stopWatch()
    this.#init.over(this)
  }

  #wake (): void { for (const wake of this.#wakes.splice(0)) wake() }
  async #changed (): Promise<void> { await new Promise<void>(resolve => this.#wakes.push(resolve)) }
}
