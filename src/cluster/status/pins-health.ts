import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../model/cid.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { unfinishedStatuses } from '../../model/status.ts'
import type { CallOptions, PeerHolding, PinsHealth } from '../cluster-api.ts'
import type { Replications } from './replication.ts'
import type { Statuses } from './status.ts'

export interface PinsHealthDeps { replications: Replications, statuses: Pick<Statuses, 'statusAll'>, clock: Clock }

const withoutCopy: ReadonlySet<TrackerStatus> = new Set<TrackerStatus>(['pin_error', 'pinning', 'pin_queued'])
const freshMs = 2000
const restPerWork = 20

/** What peers still have to do. `incomplete`: pins that some peer hasn't got, none of whose holders is missing. */
interface Unfinished { incomplete: number, byPeer: Map<PeerId, Partial<Record<TrackerStatus, number>>> }

/**
 * The use case "how are all the pins": the pinset's holders, and what all peers still have to do. Callers at the same time share an answer.
 */
export class PinsHealths {
  readonly #deps: PinsHealthDeps
  #last: Unfinished | undefined
  #freshUntil = -Infinity
  #looking: Promise<Unfinished> | undefined

  constructor (deps: PinsHealthDeps) { this.#deps = deps }

  async look ({ signal }: CallOptions = {}): Promise<PinsHealth> {
    signal?.throwIfAborted()
    const { peers, ...figures } = await this.#deps.replications.look()
    const { incomplete, byPeer } = await this.#unfinished(peers)
    signal?.throwIfAborted()
    return {
      ...figures, underReplicated: figures.underReplicated + incomplete,
      peers: peers.map(one => ({ ...one, statuses: byPeer.get(one.peer) ?? {} }))
    }
  }

  async #unfinished (peers: readonly PeerHolding[]): Promise<Unfinished> {
    if (this.#last != null && this.#deps.clock.elapsed() < this.#freshUntil) return this.#last
    this.#looking ??= this.#count(peers).finally(() => { this.#looking = undefined })
    return this.#looking
  }

  async #count (peers: readonly PeerHolding[]): Promise<Unfinished> {
    const { statuses, clock } = this.#deps
    const began = clock.elapsed()
    const missing = new Set(peers.filter(({ isMissing }) => isMissing).map(({ peer }) => peer))
    const counts = new Map<PeerId, Partial<Record<TrackerStatus, number>>>()
    let incomplete = 0
    for await (const batch of statuses.statusAll(unfinishedStatuses)) {
      for (const row of batch) {
        if (isIncomplete(row) && row.allocations?.some(peer => missing.has(peer)) !== true) incomplete++
        countInto(counts, row)
      }
    }
    const now = clock.elapsed()
    this.#last = { incomplete, byPeer: counts }
    this.#freshUntil = now + Math.max(freshMs, restPerWork * (now - began))
    return this.#last
  }
}

const isIncomplete = ({ peerMap }: GlobalPinInfo): boolean => [...peerMap.values()].some(({ status }) => withoutCopy.has(status))

function countInto (counts: Map<PeerId, Partial<Record<TrackerStatus, number>>>, { peerMap }: GlobalPinInfo): void {
  for (const [peer, { status }] of peerMap) {
    if (status === 'cluster_error') continue // it says that the peer didn't answer, not how its pins are
    const ofPeer = counts.get(peer) ?? {}
    ofPeer[status] = (ofPeer[status] ?? 0) + 1
    counts.set(peer, ofPeer)
  }
}
