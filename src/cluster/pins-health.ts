import type { Clock } from '../base/clock.ts'
import type { PeerId } from '../model/cid.ts'
import type { GlobalPinInfo } from '../model/pin-info.ts'
import type { TrackerStatus } from '../model/status.ts'
import { trackerStatuses } from '../model/status.ts'
import type { CallOptions, PinsHealth } from './cluster-api.ts'
import type { Replications } from './replication.ts'
import type { Statuses } from './status.ts'

export interface PinsHealthDeps { replications: Replications, statuses: Pick<Statuses, 'statusAll'>, clock: Clock }

const { pin_error: failed, pinning, pin_queued: queued, unpin_error: unpinFailed, unpinning, unpin_queued: unpinQueued } = trackerStatuses
/** Answered by each peer from its operations alone, whatever the size of the pinset. */
const unfinished = failed | pinning | queued | unpinFailed | unpinning | unpinQueued
const withoutCopy: ReadonlySet<TrackerStatus> = new Set<TrackerStatus>(['pin_error', 'pinning', 'pin_queued'])
const freshMs = 2000
const restPerWork = 20

/** The use case "how are all the pins": the pinset's holders, and what all peers still have to do. Callers at the same time share an answer. */
export class PinsHealths {
  readonly #deps: PinsHealthDeps
  #last: PinsHealth | undefined
  #freshUntil = 0
  #looking: Promise<PinsHealth> | undefined

  constructor (deps: PinsHealthDeps) { this.#deps = deps }

  async look ({ signal }: CallOptions = {}): Promise<PinsHealth> {
    signal?.throwIfAborted()
    if (this.#last != null && this.#deps.clock.now() < this.#freshUntil) return this.#last
    this.#looking ??= this.#count().finally(() => { this.#looking = undefined })
    const found = await this.#looking
    signal?.throwIfAborted()
    return found
  }

  async #count (): Promise<PinsHealth> {
    const { replications, statuses, clock } = this.#deps
    const began = clock.now()
    const { peers, ...figures } = await replications.look()
    const missing = new Set(peers.filter(({ isMissing }) => isMissing).map(({ peer }) => peer))
    const counts = new Map<PeerId, Partial<Record<TrackerStatus, number>>>()
    let incomplete = 0
    for await (const batch of statuses.statusAll(unfinished)) {
      for (const row of batch) {
        if (isIncomplete(row) && row.allocations?.some(peer => missing.has(peer)) !== true) incomplete++
        countInto(counts, row)
      }
    }
    const now = clock.now()
    this.#last = { ...figures, underReplicated: figures.underReplicated + incomplete, peers: peers.map(one => ({ ...one, statuses: counts.get(one.peer) ?? {} })) }
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
