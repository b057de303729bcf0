import type { Clock, Random } from '../../src/base/clock.ts'
import { gatedClock } from './sim-clock.ts'
import type { Gate } from './sim-clock.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { BlockExchange, Broadcast, PeerStreams, TopicMessage } from '../../src/network/network.ts'
import type { HistoryExchange, HistorySource } from '../../src/network/history.ts'
import { SimHistory } from './sim-history.ts'
import type { SimHistoryFaults } from './sim-history.ts'
import { SimStreams } from './sim-streams.ts'

/** How bad the network is. */
export interface SimFaults {
  /** Longest delay of a message. Every message has its own, so that they overtake each other. Milliseconds. */
  delayMs: number
  /** Share of messages that get lost, 0 to 1. Blocks are sent again by whoever waits for them, pieces of streams by the network. */
  loss: number
  /** Share of gossip messages that come twice, 0 to 1. */
  duplication: number
}

export interface SimNetworkDeps {
  clock: Clock
  random: Random
  /** Streams of history, and their own chance. */
  history: { faults: SimHistoryFaults, random: Random }
  /** Told of every message that arrives. */
  seen: (what: string, from: PeerId, to: PeerId, bytes: number) => void
}

/** What a peer offers the others while it runs. */
export interface PeerServices {
  block (cid: CID): Uint8Array | undefined
  /** What it gives as a stream, if it does so. */
  readonly history: HistorySource | undefined
  /** Told of every gossip message that arrives. */
  heard?: (from: PeerId) => void
  /** Whether its process runs. Without it, always. */
  readonly gate?: Gate
}

type Handler = (message: TopicMessage) => void
interface Want { id: string, take: (bytes: Uint8Array) => void }

/** One run of one peer in the network. After `leave` nothing goes out and nothing comes in. */
export interface SimPlace {
  readonly broadcast: Broadcast
  readonly exchange: BlockExchange
  readonly streams: PeerStreams
  readonly history: HistoryExchange
  /** Resets all streams, as a host does that stops. */
  closeStreams (): void
  /** Peers to which there is a connection. */
  connected (): PeerId[]
  /** Ends the connection to a peer. The next message makes a new one, with new streams. */
  renewConnection (to: PeerId): void
  leave (): void
}

const firstAskMs = 2000
/** A connection to a process that stands still lives so long; what is sent meanwhile waits for it. Milliseconds. */
const connectionLivesMs = 20_000
const longestAskMs = 30_000

/**
 * Gossip, block exchange, streams of history and all other streams between peers in one process, in simulated time. Delays, losses,
 * repeats and cuts come from the seed.
 */
export class SimNetwork {
  faults: SimFaults
  /** "a>b": what `a` sends does not reach `b`. */
  readonly cut = new Set<string>()
  /** Such cuts, by the partition that made them; with what takes back the timer that ends it. */
  readonly walls = new Map<ReadonlySet<string>, () => void>()
  readonly history: SimHistory
  readonly #streams: SimStreams
  /** "a>b": streams of gossip that ended while the connection lives, and what takes back the timer that opens them again. */
  readonly #ended = new Map<string, () => void>()
  readonly #deps: SimNetworkDeps
  readonly #places = new Map<PeerId, Place>()

  constructor (faults: SimFaults, deps: SimNetworkDeps) {
    const { clock, random, seen, history } = deps
    const reach = ({ peer }: { peer: PeerId }, to: PeerId): Place | undefined =>
      this.#isCut(peer, to) || this.#isCut(to, peer) ? undefined : this.#reachable(to)
    this.faults = faults
    this.#deps = deps
    this.history = new SimHistory({ ...history, clock, seen, reach })
    this.#streams = new SimStreams({
      faults: () => this.faults, random, clock, reach,
      arrived: (what, { from, to, bytes }) => {
        seen(what, from.peer, to.peer, bytes)
        if (!from.isGone) this.history.met(to as Place, from as Place)
      },
      missed: (from, to) => this.#parted(from as Place, to)
    })
  }

  join (peer: PeerId, services: PeerServices): SimPlace {
    const clock = services.gate == null ? this.#deps.clock : gatedClock(this.#deps.clock, services.gate)
    const place = new Place(peer, services, this, clock)
    this.#places.set(peer, place)
    return {
      broadcast: place,
      exchange: place,
      history: this.history.exchange(place),
      streams: this.#streams.of(place),
      closeStreams: () => this.#streams.close(place),
      connected: () => this.history.linkedTo(place),
      renewConnection: to => {
        const there = this.#places.get(to)
        if (there != null) this.history.parted(place, there)
        this.#reopen(peer, to)
      },
      leave: () => {
        place.isGone = true
        for (const { peer: other } of this.#places.values()) this.#reopen(peer, other)
        this.history.left(place)
        if (this.#places.get(peer) === place) this.#places.delete(peer)
      }
    }
  }

  /**
   * What `from` says in gossip doesn't reach `to` for so long; without a time, until their connection ends. Nothing happens to peers that
   * aren't connected.
   */
  endGossip (from: PeerId, to: PeerId, awayMs?: number): void {
    const place = this.#places.get(from)
    if (place == null || !this.history.linkedTo(place).includes(to)) return
    const way = `${from}>${to}`
    this.#ended.get(way)?.()
    this.#ended.set(way, awayMs == null ? () => {} : this.#deps.clock.after(awayMs, () => this.#ended.delete(way)))
  }

  hasGossip (from: PeerId, to: PeerId): boolean { return !this.#ended.has(`${from}>${to}`) }

  #reopen (one: PeerId, other: PeerId): void {
    for (const way of [`${one}>${other}`, `${other}>${one}`]) {
      this.#ended.get(way)?.()
      this.#ended.delete(way)
    }
  }

  #reachable (peer: PeerId): Place | undefined {
    const place = this.#places.get(peer)
    return place == null || (place.services.gate?.heldForMs() ?? 0) > connectionLivesMs ? undefined : place
  }

  /** All other peers that are there. */
  others (than: Place): Place[] { return [...this.#places.values()].filter(place => place !== than) }

  /** Brings a message to whoever is at `to` when it arrives. Lost messages vanish silently. */
  carry ({ from, to, what, bytes }: { from: Place, to: PeerId, what: string, bytes: number }, arrive: (place: Place) => void): void {
    const { clock, random, seen } = this.#deps
    if (from.isGone) return
    if (this.#isCut(from.peer, to)) return this.#parted(from, to)
    if (random.float() < this.faults.loss) return
    clock.after(random.float() * this.faults.delayMs, () => {
      const place = this.#places.get(to)
      if (place == null) return
      if (this.#isCut(from.peer, to) || this.#reachable(to) == null) return this.#parted(from, to)
      const { gate } = place.services
      const come = (): void => {
        if (place.isGone) return
        seen(what, from.peer, to, bytes)
        if (!from.isGone) this.history.met(place, from)
        arrive(place)
      }
      if (gate == null) come()
      else gate.whenRunning(come)
    })
  }

  #parted (from: Place, to: PeerId): void {
    const there = this.#places.get(to)
    if (there != null) this.history.parted(from, there)
    this.#reopen(from.peer, to)
  }

  #isCut (from: PeerId, to: PeerId): boolean {
    const way = `${from}>${to}`
    if (this.cut.has(way)) return true
    for (const wall of this.walls.keys()) if (wall.has(way)) return true
    return false
  }

  /** How often a gossip message comes. */
  copies (): number { return this.#deps.random.float() < this.faults.duplication ? 2 : 1 }
}

/** A peer's place: its topics, its wants and those of others. */
class Place implements Broadcast, BlockExchange {
  readonly peer: PeerId
  readonly services: PeerServices
  isGone = false
  readonly #network: SimNetwork
  readonly #clock: Clock
  readonly #handlers = new Map<string, Set<Handler>>()
  readonly #wants = new Set<Want>()
  /** Who asked for a block that wasn't here. */
  readonly #asked = new Map<string, Set<PeerId>>()

  get history (): HistorySource | undefined { return this.services.history }
  get gate (): Gate | undefined { return this.services.gate }

  constructor (peer: PeerId, services: PeerServices, network: SimNetwork, clock: Clock) {
    this.peer = peer
    this.services = services
    this.#network = network
    this.#clock = clock
  }

  async publish (topic: string, data: Uint8Array): Promise<void> {
    for (const { peer } of this.#network.others(this)) {
      if (!this.#network.hasGossip(this.peer, peer)) continue
      for (let copy = this.#network.copies(); copy > 0; copy--) {
        this.#network.carry(
          { from: this, to: peer, what: topic, bytes: data.length }, place => place.#hear(topic, { from: this.peer, data })
        )
      }
    }
  }

  subscribe (topic: string, handler: Handler, accept?: (from: PeerId) => boolean): () => void {
    const handlers = this.#handlers.get(topic) ?? new Set()
    const accepting: Handler = message => { if (accept?.(message.from) !== false) handler(message) }
    this.#handlers.set(topic, handlers.add(accepting))
    return () => { handlers.delete(accepting) }
  }

  /** Asks everybody, again and again, as bitswap does when peers come and go. */
  fetch (cid: CID, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    if (signal.aborted) reject(signal.reason)
    const want: Want = { id: cid.toString(), take: resolve }
    let waitMs = firstAskMs
    let cancel: (() => void) | undefined
    const ask = (): void => {
      if (this.isGone) return
      for (const { peer } of this.#network.others(this)) {
        this.#network.carry({ from: this, to: peer, what: 'want', bytes: cid.bytes.length }, place => place.#serve(cid, this))
      }
      cancel = this.#clock.after(waitMs, ask)
      waitMs = Math.min(2 * waitMs, longestAskMs)
    }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (!signal.aborted) {
      this.#wants.add(want)
      ask()
    }
    return promise.finally(() => {
      cancel?.()
      this.#wants.delete(want)
      signal.removeEventListener('abort', onAbort)
    })
  }

  offer (cid: CID, bytes: Uint8Array): void {
    const id = cid.toString()
    for (const peer of this.#asked.get(id) ?? []) this.#send(id, bytes, peer)
    this.#asked.delete(id)
  }

  #hear (topic: string, message: TopicMessage): void {
    this.services.heard?.(message.from)
    for (const handler of this.#handlers.get(topic) ?? []) handler(message)
  }

  #serve (cid: CID, { peer }: Place): void {
    const id = cid.toString()
    const bytes = this.services.block(cid)
    if (bytes != null) return this.#send(id, bytes, peer)
    this.#asked.set(id, (this.#asked.get(id) ?? new Set()).add(peer))
  }

  #send (id: string, bytes: Uint8Array, to: PeerId): void {
    this.#network.carry({ from: this, to, what: 'block', bytes: bytes.length }, place => {
      for (const want of place.#wants) if (want.id === id) want.take(bytes)
    })
  }
}

