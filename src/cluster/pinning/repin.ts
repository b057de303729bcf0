import type { MetricsByName } from '../../allocator/allocator.ts'
import type { Clock } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { ClosestDeps } from './closest.ts'
import { closestHere } from './closest.ts'
import type { Members } from '../peers/members.ts'
import { isExpired } from './pin-rules.ts'
import type { Placement } from './placement.ts'

export interface RepinnerDeps extends ClosestDeps {
  consensus: Pick<Consensus, 'state' | 'replace' | 'settled' | 'trusts'>
  members: Members
  placement: Pick<Placement, 'allocate' | 'metrics'>
  clock: Clock
  log: Logger
}

/** Finds new places for what a peer that went down held (cluster.go). One peer at a time. */
export class Repinner {
  readonly #deps: RepinnerDeps
  readonly #down = new Set<PeerId>()

  constructor (deps: RepinnerDeps) { this.#deps = deps }

  /** Notes a peer whose ping expired; `worker` does the rest. */
  note (peer: PeerId): void { this.#down.add(peer) }

  /** Gives every pin of the peer that is ours to care for a new place, if it has fewer holders than it needs. A peer that is back is left alone. */
  async repinFrom (peer: PeerId, signal: AbortSignal): Promise<void> {
    if (this.#deps.members.has(peer)) return
    const isOurs = closestHere(this.#deps, peer)
    for await (const batch of this.#deps.consensus.state.pins({ signal })) {
      const metrics = this.#deps.placement.metrics()
      const affected = batch.filter(pin => pin.allocations.includes(peer) && isOurs(pin.cid))
      await Promise.all(affected.map(async pin => this.#repin(pin, peer, metrics)))
    }
  }

  async #repin ({ cid }: Pin, peer: PeerId, metrics: MetricsByName): Promise<void> {
    const { consensus, placement, clock, log } = this.#deps
    await consensus.settled(cid) // a user's change that isn't in the state yet must not be undone
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(peer) || isExpired(pin, clock.now())) return
    try {
      const allocations = placement.allocate({ pin, current: pin.allocations, without: new Set([peer]) }, metrics)
      if (!differ(allocations, pin.allocations)) return
      if (!await consensus.replace(pin, { ...pin, allocations, timestamp: clock.now() })) return await this.#repin(pin, peer, metrics)
      log.info('repinned out of a peer that is down', { cid: cid.toString(), peer, allocations })
    } catch (err) {
      if (isClusterError(err, 'NOT_ENOUGH_PEERS')) log.warn('no new place for a pin of a peer that is down', { cid: cid.toString(), peer, err })
      else log.error('a pin of a peer that is down could not be repinned', { cid: cid.toString(), peer, err })
    }
  }

  /** Works through the noted peers; wake it after `note`. */
  worker (): Worker {
    return {
      name: 'repin',
      intervalMs: () => 3_600_000,
      work: async signal => {
        const [peer] = this.#down
        if (peer == null) return 'idle'
        this.#deps.log.info('repinning what a peer that is down held', { peer })
        await this.repinFrom(peer, signal)
        this.#down.delete(peer)
        return 'busy'
      }
    }
  }
}

const differ = (a: readonly PeerId[], b: readonly PeerId[]): boolean => a.length !== b.length || a.some((peer, at) => peer !== b[at])
