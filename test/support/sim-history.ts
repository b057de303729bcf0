import type { Clock, Random } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { Gate } from './sim-clock.ts'
import type { PeerId } from '../../src/model/cid.ts'
import { historyWalk } from '../../src/network/history/walk.ts'
import type { HistoryAnswer, HistoryBlock, HistoryExchange, HistoryRequest, HistorySource } from '../../src/network/history.ts'

/** How streams of history fare. What is lost of a stream is sent again, so that it only takes longer; but streams may break. */
export interface SimHistoryFaults {
  /** Most blocks that come together. */
  pieceBlocks: number
  /** Longest time of a piece on its way. Milliseconds. */
  delayMs: number
  /** Shares of pieces, 0 to 1: instead of which the stream breaks, or after which nothing comes any more and nobody says so. */
  breaks: number
  standstills: number
}

/** A peer's run as its neighbours in the network see it. */
export interface HistoryPlace {
  readonly peer: PeerId
  readonly isGone: boolean
  /** What it gives; undefined when it doesn't speak the protocol or isn't ready. */
  readonly history: HistorySource | undefined
  /** Whether its process runs. Without it, always. */
  readonly gate?: Gate | undefined
}

export interface SimHistoryDeps {
  faults: SimHistoryFaults
  /** Not the one of other messages: they fare the same, with and without streams. */
  random: Random
  clock: Clock
  /** Who is there and can be reached in both directions. */
  reach: (from: HistoryPlace, to: PeerId) => HistoryPlace | undefined
  /** Told of every piece that arrives. */
  seen: (what: string, from: PeerId, to: PeerId, bytes: number) => void
}

/** Resolves when the process runs; at once where none ever stands still. */
const running = (gate: Gate): Promise<void> => new Promise(resolve => gate.whenRunning(resolve))

type Listener = (peer: PeerId, isHere: boolean) => void

/** How long a peer waits for a stream that stands still. */
const stallMs = 15_000

/**
 * Connections between runs of peers, and streams of history over them, in simulated time. A connection begins with the first message that
 * comes through.
 */
export class SimHistory {
  faults: SimHistoryFaults
  /** Blocks that were given, and streams that broke or stood still. */
  readonly counts = { blocks: 0, broken: 0 }
  readonly #deps: SimHistoryDeps
  readonly #links = new Map<HistoryPlace, Set<HistoryPlace>>()
  readonly #listeners = new Map<HistoryPlace, Set<Listener>>()

  constructor (deps: SimHistoryDeps) {
    this.faults = deps.faults
    this.#deps = deps
  }

  exchange (place: HistoryPlace): HistoryExchange {
    return {
      ask: async (peer, request, { signal }) => this.#ask({ asker: place, peer, request, signal }),
      onPeer: listener => {
        const listeners = this.#listeners.get(place) ?? new Set()
        this.#listeners.set(place, listeners.add(listener))
        for (const { peer } of this.#links.get(place) ?? []) listener(peer, true)
        return () => { listeners.delete(listener) }
      }
    }
  }

  linkedTo (place: HistoryPlace): PeerId[] { return [...this.#linksOf(place)].map(({ peer }) => peer) }

  /** A message has come through. */
  met (one: HistoryPlace, other: HistoryPlace): void {
    if (this.#linksOf(one).has(other) || this.#deps.reach(one, other.peer) !== other) return
    this.#linksOf(one).add(other)
    this.#linksOf(other).add(one)
    this.#tell(one, other, true)
    this.#tell(other, one, true)
  }

  /** No message comes through. */
  parted (one: HistoryPlace, other: HistoryPlace): void {
    if (!this.#linksOf(one).delete(other)) return
    this.#linksOf(other).delete(one)
    this.#tell(one, other, false)
    this.#tell(other, one, false)
  }

  left (place: HistoryPlace): void {
    for (const other of this.#linksOf(place)) this.parted(place, other)
    this.#links.delete(place)
    this.#listeners.delete(place)
  }

  #linksOf (place: HistoryPlace): Set<HistoryPlace> {
    const links = this.#links.get(place) ?? new Set()
    this.#links.set(place, links)
    return links
  }

  #tell (place: HistoryPlace, { peer }: HistoryPlace, isHere: boolean): void {
    if (!place.isGone) for (const listener of this.#listeners.get(place) ?? []) listener(peer, isHere)
  }

  async #ask (
    { asker, peer, request, signal }: { asker: HistoryPlace, peer: PeerId, request: HistoryRequest, signal: AbortSignal }
  ): Promise<HistoryAnswer> {
    signal.throwIfAborted()
    const giver = this.#deps.reach(asker, peer)
    if (giver == null) throw new ClusterError('PEER_UNREACHABLE', { peer })
    const stream = { asker, giver, signal }
    const isOpen = this.#passage(stream)
    await isOpen()
    const { history } = giver
    if (history == null) throw new ClusterError('UNSUPPORTED', { peer })
    const heads = history.completeHeads()
    await isOpen()
    this.#deps.seen('history', peer, asker.peer, 0)
    let isEnded = false
    const blocks = this.#pieces(historyWalk(request, cid => history.getBlock(cid)), async piece => {
      await isOpen()
      this.counts.blocks += piece.length
      this.#deps.seen('history', peer, asker.peer, piece.reduce((sum, { bytes }) => sum + bytes.length, 0))
      return !isEnded
    })
    return { heads, blocks, end: () => { isEnded = true } }
  }

  async * #pieces (
    walk: Iterable<HistoryBlock | undefined>, arrives: (piece: HistoryBlock[]) => Promise<boolean>
  ): AsyncGenerator<HistoryBlock[]> {
    let piece: HistoryBlock[] = []
    let most = this.#pieceBlocks()
    for (const block of walk) {
      if (block != null) piece.push(block)
      if (piece.length < most) continue
      if (!await arrives(piece)) return
      yield piece
      piece = []
      most = this.#pieceBlocks()
    }
    if (piece.length > 0 && await arrives(piece)) yield piece
  }

  #pieceBlocks (): number { return 1 + Math.floor(this.#deps.random.float() * this.faults.pieceBlocks) }

  /** Resolves when one more piece has come through; rejects when the stream breaks. Never settles for an asker that is gone. */
  #passage ({ asker, giver, signal }: { asker: HistoryPlace, giver: HistoryPlace, signal: AbortSignal }): () => Promise<void> {
    const { clock, random, reach } = this.#deps
    const wait = async (ms: number): Promise<void> => {
      await clock.sleep(ms, signal)
      if (asker.gate != null) await running(asker.gate)
      if (asker.isGone) await new Promise(() => {})
    }
    const fail = (code: 'PEER_UNREACHABLE' | 'TIMEOUT'): never => {
      this.counts.broken++
      this.#deps.seen(`history ${code}`, giver.peer, asker.peer, 0)
      throw new ClusterError(code, { peer: giver.peer })
    }
    return async () => {
      const { breaks, standstills, delayMs } = this.faults
      const [chance, delay] = [random.float(), random.float() * delayMs]
      await wait(delay)
      if (chance < breaks || giver.isGone) fail('PEER_UNREACHABLE')
      if (chance >= breaks + standstills && giver.gate?.isHeld !== true && reach(asker, giver.peer) === giver) return
      await wait(stallMs)
      fail('TIMEOUT')
    }
  }
}
