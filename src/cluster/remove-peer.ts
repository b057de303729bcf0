import type { Clock } from '../base/clock.ts'
import { ClusterError, isClusterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Worker } from '../base/worker.ts'
import type { Consensus } from '../consensus/consensus.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { PinInfo } from '../model/pin-info.ts'
import type { Pin } from '../model/pin.ts'
import type { CallOptions } from './cluster-api.ts'
import { peerAnswerMs, within } from './deadline.ts'
import { refuseInFollowerMode } from './follower.ts'
import type { LeavingPeers } from './leaving-peers.ts'
import type { Members } from './members.ts'
import type { Placement } from './placement.ts'

export interface PeerRemovalInit { followerMode: boolean }

export interface PeerRemovalDeps {
  consensus: Pick<Consensus, 'state' | 'put' | 'settled'>
  members: Members
  placement: Pick<Placement, 'allocate'>
  leaving: LeavingPeers
  /** Asks any peer for the status of one pin. */
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  clock: Clock
  log: Logger
}

interface Tally { found: number, left: number }

const movesAtATime = 32
const firstLookMs = 200
const lastLookMs = 2000
const waitMs = 10_000
const retryMs = 30_000

/**
 * The use case "this peer shall go". Its pins get other peers, one by one: first the new holders are added, and only when they report `pinned` does the old one
 * lose the item. What takes longer than the caller waits goes on in the background.
 */
export class PeerRemoval {
  readonly #init: PeerRemovalInit
  readonly #deps: PeerRemovalDeps

  constructor (init: PeerRemovalInit, deps: PeerRemovalDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Resolves when nothing is allocated to the peer any more. Rejects with FOLLOWER_MODE, INVALID_ARGUMENT (this peer), NOT_FOUND (neither a member nor a holder), or
   * after 10 s with PEER_IN_USE and the number of pins `left`; then it goes on, and another call tells how far it is.
   */
  async remove (peer: PeerId, { signal }: CallOptions = {}): Promise<void> {
    const { members, leaving, clock } = this.#deps
    refuseInFollowerMode(this.#init)
    if (peer === members.self) throw new ClusterError('INVALID_ARGUMENT', { peer }, { message: 'a peer cannot remove itself' })
    const until = clock.now() + waitMs
    let tally = await this.#pass(peer, signal)
    if (tally.found === 0 && !members.has(peer)) throw new ClusterError('NOT_FOUND', { peer }, { message: 'there is no such peer' })
    leaving.add(peer)
    for (let look = firstLookMs; tally.left > 0 && clock.now() < until; look = Math.min(lastLookMs, look * 2)) {
      await clock.sleep(look, signal)
      tally = await this.#pass(peer, signal)
    }
    if (tally.left > 0) {
      throw new ClusterError('PEER_IN_USE', { peer, left: tally.left }, { message: `${tally.left} pins of the peer still have to be moved or have no other candidate` })
    }
    leaving.emptied(peer)
  }

  /** Goes on with removals whose callers have left. */
  worker (): Worker {
    return {
      name: 'peer-removal',
      runAtStart: false,
      intervalMs: () => retryMs,
      work: async signal => {
        for (const peer of this.#deps.leaving.unfinished()) {
          const { left } = await this.#pass(peer, signal)
          if (left === 0) this.#deps.leaving.emptied(peer)
        }
        return 'idle'
      }
    }
  }

  /** One step for every pin of the peer. */
  async #pass (peer: PeerId, signal?: AbortSignal): Promise<Tally> {
    const tally: Tally = { found: 0, left: 0 }
    for await (const batch of this.#deps.consensus.state.pins(signal == null ? {} : { signal })) {
      const held = batch.filter(pin => pin.allocations.includes(peer))
      tally.found += held.length
      for (let from = 0; from < held.length; from += movesAtATime) {
        const moved = await Promise.all(held.slice(from, from + movesAtATime).map(async pin => this.#move(pin.cid, peer, signal)))
        tally.left += moved.filter(done => !done).length
      }
    }
    return tally
  }

  /** True when the pin is off the peer now. */
  async #move (cid: CID, peer: PeerId, signal?: AbortSignal): Promise<boolean> {
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(peer)) return true
    try {
      const target = this.#targetOf(pin, peer)
      if (target.length === 0) return false
      const isThere = target.every(holder => pin.allocations.includes(holder))
      const isSafe = !this.#deps.members.has(peer) || (isThere && await this.#allPinned(cid, target, signal))
      if (!isSafe && isThere) return false
      return await this.#reallocate(cid, { from: peer, to: target, isSafe })
    } catch (err) {
      signal?.throwIfAborted()
      if (!isClusterError(err, 'NOT_ENOUGH_PEERS')) this.#deps.log.warn('a pin could not be moved off a peer', { cid: cid.toString(), peer, err })
      return false
    }
  }

  /** Users may have changed or removed the pin while its holders were asked: then the next pass decides again. */
  async #reallocate (cid: CID, { from, to, isSafe }: { from: PeerId, to: readonly PeerId[], isSafe: boolean }): Promise<boolean> {
    const { consensus, clock } = this.#deps
    await consensus.settled(cid)
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(from)) return true
    if (String(this.#targetOf(pin, from)) !== String(to)) return false
    await consensus.put({ ...pin, allocations: isSafe ? [...to] : [...to, from], timestamp: clock.now() })
    return isSafe
  }

  /** Where the pin shall be without the peer: holders stay, and only when they are too few come others. */
  #targetOf (pin: Pin, peer: PeerId): PeerId[] {
    return this.#deps.placement.allocate({ pin, current: pin.allocations.filter(holder => holder !== peer), without: new Set([peer]) })
  }

  async #allPinned (cid: CID, holders: readonly PeerId[], signal: AbortSignal | undefined): Promise<boolean> {
    const { clock, ask } = this.#deps
    const statuses = await Promise.all(holders.map(async holder => within({ clock, ms: peerAnswerMs, signal }, async late => ask(holder, cid, late))))
    return statuses.every(({ status }) => status === 'pinned')
  }
}
