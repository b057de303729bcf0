import type { Clock } from '../../base/clock.ts'
import type { PinState } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { CallOptions, PeerHolding, Replication } from '../cluster-api.ts'
import type { Members, MissingPeer } from '../peers/members.ts'

export interface ReplicationsDeps {
  state: Pick<PinState, 'pins'>
  members: Members
  /** Peers that are being taken out of the cluster: nobody expects them. */
  isLeaving: (peer: PeerId) => boolean
  clock: Clock
}

const peersListed = 1000
const freshMs = 5000
/** A look costs time by the pin: at most about one part in fifty of it, as long as nobody comes or goes. */
const restPerWork = 50

/**
 * The use case "what does a missing peer cost": one look at the whole pinset, from what it says and who is there. No peer is asked. Callers
 * at the same time share a look, and one that is fresh serves again.
 */
export class Replications {
  readonly #deps: ReplicationsDeps
  #last: Replication | undefined
  /** Who was there at the last look. */
  #members = ''
  /** Both in the time of the process. */
  #countedAt = -Infinity
  #freshUntil = -Infinity
  #looking: Promise<Replication> | undefined

  constructor (deps: ReplicationsDeps) { this.#deps = deps }

  async look ({ signal }: CallOptions = {}): Promise<Replication> {
    signal?.throwIfAborted()
    const found = this.#last != null && this.#isFresh() ? this.#last : await this.#lookOnce()
    signal?.throwIfAborted()
    const peers = found.peers.map(one => ({ ...one, ...this.#now(one.peer) }))
    // without pins and never heard: removed since the pinset was looked at
    return { ...found, peers: peers.filter(({ pins, isMissing, lastSeen }) => pins > 0 || !isMissing || lastSeen != null) }
  }

  /** The figure of the latest look; one that is older than a minute is renewed meanwhile. For metrics, which must not wait. */
  underReplicated (): number | undefined {
    const until = Math.max(this.#freshUntil, this.#countedAt + 60_000)
    if (this.#deps.clock.elapsed() > until) this.#lookOnce().catch(() => {})
    return this.#last?.underReplicated
  }

  #isFresh (): boolean {
    const now = this.#deps.clock.elapsed()
    return now < this.#countedAt + freshMs || (now < this.#freshUntil && this.#members === this.#deps.members.list().join())
  }

  /** What changes from moment to moment, and costs nothing. */
  #now (peer: PeerId): Pick<PeerHolding, 'peerName' | 'isMissing' | 'lastSeen'> {
    const { peerName, lastSeen } = this.#deps.members.missingPeer(peer)
    return { peerName, lastSeen, isMissing: !this.#deps.members.has(peer) }
  }

  async #lookOnce (): Promise<Replication> {
    this.#looking ??= this.#count().finally(() => { this.#looking = undefined })
    return this.#looking
  }

  async #count (): Promise<Replication> {
    const { state, members, clock } = this.#deps
    const began = clock.elapsed()
    const here = members.list()
    const count = new HoldingCount(here)
    for await (const batch of state.pins()) for (const pin of batch) count.add(pin)
    const { pins, everywhere, underReplicated, unreachable } = count
    this.#last = { at: clock.now(), pins, everywhere, underReplicated, unreachable, peers: this.#peersOf(count) }
    this.#members = here.join()
    this.#countedAt = clock.elapsed()
    this.#freshUntil = this.#countedAt + Math.max(freshMs, restPerWork * (this.#countedAt - began))
    return this.#last
  }

  #peersOf (count: HoldingCount): PeerHolding[] {
    const { members, isLeaving } = this.#deps
    const heard = members.missing().map(({ peer }) => peer).filter(peer => !isLeaving(peer))
    const peers = [...new Set([...members.list(), ...heard, ...count.holdings.keys()])].toSorted().slice(0, peersListed)
    return peers.map(peer => ({ peer, ...this.#now(peer), ...count.holdings.get(peer) ?? { pins: 0, alone: 0 } }))
  }
}

/** Who is missed: peers that were heard or hold pins, and aren't there. */
export const missedPeers = ({ peers }: Pick<Replication, 'peers'>): MissingPeer[] => peers.filter(({ isMissing }) => isMissing)

/** Counts pins by who holds them. */
class HoldingCount {
  pins = 0
  everywhere = 0
  underReplicated = 0
  unreachable = 0
  readonly holdings = new Map<PeerId, { pins: number, alone: number }>()
  readonly #members: ReadonlySet<PeerId>

  constructor (members: readonly PeerId[]) { this.#members = new Set(members) }

  add (pin: Pin): void {
    this.pins++
    if (isEverywhere(pin)) this.everywhere++
    if (pin.allocations.length === 0) return
    const here = pin.allocations.filter(peer => this.#members.has(peer))
    if (here.length < pin.allocations.length || here.length < pin.replicationFactorMin) this.underReplicated++
    if (here.length === 0) this.unreachable++
    for (const peer of pin.allocations) this.#note(peer, here.length === 0 || (here.length === 1 && here[0] === peer))
  }

  #note (peer: PeerId, isAlone: boolean): void {
    const holding = this.holdings.get(peer) ?? { pins: 0, alone: 0 }
    holding.pins++
    if (isAlone) holding.alone++
    this.holdings.set(peer, holding)
  }
}
