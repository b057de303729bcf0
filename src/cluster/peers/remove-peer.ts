import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import type { CallOptions } from '../cluster-api.ts'
import { ReallocatedPeers } from './reallocated-peers.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { LeavingPeers } from './leaving-peers.ts'
import type { Members } from './members.ts'
import type { RemovedPeers } from './removed-peers.ts'
import { StuckPins } from './stuck-pins.ts'
import { isAbout, withAllocations } from '../pinning/pin-version.ts'
import type { Placement } from '../pinning/placement.ts'

export interface PeerRemovalInit { followerMode: boolean }

export interface PeerRemovalDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten'>
  members: Members
  placement: Pick<Placement, 'allocate'>
  leaving: LeavingPeers
  removed: Pick<RemovedPeers, 'add'>
  /** Whether it was heard lately or is drained, though it may be gone and hold nothing. */
  isKnown: (peer: PeerId) => boolean
  /** Asks any peer for the status of one pin. */
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  clock: Clock
  log: Logger
}

interface Tally { left: number, changed: number }
/** Who leaves, and who of the others has answered in this pass. */
interface Pass { peer: PeerId, answers: Map<PeerId, Promise<PinInfo>>, signal: AbortSignal | undefined }
type Step = 'gone' | 'changed' | 'waits'

const movesAtATime = 32
const firstLookMs = 200
const lastLookMs = 2000
const waitMs = 10_000
const retryMs = 30_000
const longestRetryMs = 300_000
/** How long a holder may say that a pin isn't its own, or be down in the middle of a move. Changes are announced each minute. */
const unawareMs = 600_000

/**
 * The use case "this peer shall go". Its pins get other peers, one by one: first the new holders are added, and only when they report
 * `pinned` does the old one lose the item. What takes longer than the caller waits goes on in the background, after a restart too. Holders
 * whose pinset says something else for good, because they don't trust who changes ours, lose the item again. A move that cannot end,
 * because holders went down after it had begun, leaves as many holders as the pin may have.
 */
export class PeerRemoval {
  readonly #init: PeerRemovalInit
  readonly #deps: PeerRemovalDeps
  readonly #contests = new Map<PeerId, ReallocatedPeers>()
  readonly #stuck = new Map<PeerId, StuckPins>()
  /** Passes that are under way. */
  readonly #passes = new Map<PeerId, number>()
  #idlePasses = 0

  constructor (init: PeerRemovalInit, deps: PeerRemovalDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Resolves when nothing is allocated to the peer any more. Rejects with FOLLOWER_MODE, INVALID_ARGUMENT (this peer), NOT_FOUND (neither a
   * member nor a holder, nor heard since this peer began), STORAGE_FULL (nothing is begun), or after 10 s with PEER_IN_USE and the number
   * of pins `left`; then it goes on, and another call tells how far it is. It goes on after an abort, too.
   */
  async remove (peer: PeerId, { signal }: CallOptions = {}): Promise<void> {
    const { members, leaving, clock } = this.#deps
    refuseInFollowerMode(this.#init)
    if (peer === members.self) throw new ClusterError('INVALID_ARGUMENT', { peer }, { message: 'a peer cannot remove itself' })
    if (!members.has(peer) && !this.#deps.isKnown(peer) && !await this.#isHolder(peer, signal)) {
      throw new ClusterError('NOT_FOUND', { peer }, { message: 'there is no such peer' })
    }
    const until = clock.elapsed() + waitMs
    await leaving.add(peer, { isGone: !members.has(peer) })
    this.#contests.delete(peer)
    this.#idlePasses = 0
    let tally = await this.#pass(peer, signal)
    for (let look = firstLookMs; tally.left > 0 && clock.elapsed() < until; look = Math.min(lastLookMs, look * 2)) {
      await clock.sleep(look, signal)
      tally = await this.#pass(peer, signal)
    }
    if (tally.left > 0) {
      throw new ClusterError(
        'PEER_IN_USE', { peer, left: tally.left },
        { message: `${tally.left} pins of the peer still have to be moved or have no other candidate` }
      )
    }
  }

  /** Goes on with removals whose callers have left; less and less often while nothing can be done. */
  worker (): Worker {
    return {
      name: 'peer-removal',
      runAtStart: false,
      intervalMs: () => Math.min(longestRetryMs, retryMs * 2 ** this.#idlePasses),
      work: async signal => {
        await this.#deps.leaving.keep()
        let changed = 0
        for (const peer of this.#deps.leaving.unfinished()) changed += (await this.#pass(peer, signal)).changed
        this.#idlePasses = changed > 0 ? 0 : Math.min(10, this.#idlePasses + 1)
        return 'idle'
      }
    }
  }

  async #isHolder (peer: PeerId, signal?: AbortSignal): Promise<boolean> {
    for await (const batch of this.#deps.consensus.state.pins(signal == null ? {} : { signal })) {
      if (batch.some(pin => pin.allocations.includes(peer))) return true
    }
    return false
  }

  /** One step for every pin of the peer. Several passes may be under way: the last one that ends knows whether the peer is empty. */
  async #pass (peer: PeerId, signal?: AbortSignal): Promise<Tally> {
    this.#passes.set(peer, (this.#passes.get(peer) ?? 0) + 1)
    try {
      const tally = await this.#moveAll(peer, signal)
      if (tally.left === 0 && this.#passes.get(peer) === 1) this.#finished(peer)
      return tally
    } finally {
      const others = (this.#passes.get(peer) ?? 1) - 1
      if (others > 0) this.#passes.set(peer, others)
      else this.#passes.delete(peer)
    }
  }

  async #moveAll (peer: PeerId, signal: AbortSignal | undefined): Promise<Tally> {
    const { leaving, members } = this.#deps
    const tally: Tally = { left: 0, changed: 0 }
    const stuck = this.#stuckOf(peer)
    const pass: Pass = { peer, answers: new Map(), signal }
    for await (const batch of this.#deps.consensus.state.pins(signal == null ? {} : { signal })) {
      const held = batch.filter(pin => pin.allocations.includes(peer))
      if (held.length > 0) await leaving.holds(peer, { isGone: !members.has(peer) })
      for (const some of batchesOf(held, movesAtATime)) {
        const steps = await Promise.all(some.map(async pin => this.#move(pin.cid, pass)))
        tally.left += steps.filter(step => step !== 'gone').length
        tally.changed += steps.filter(step => step !== 'waits').length
      }
    }
    stuck.endPass()
    return tally
  }

  #finished (peer: PeerId): void {
    this.#deps.leaving.emptied(peer)
    this.#deps.removed.add(peer)
    this.#contests.delete(peer)
    this.#stuck.delete(peer)
  }

  async #move (cid: CID, pass: Pass): Promise<Step> {
    const { peer, signal } = pass
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(peer)) return 'gone'
    try {
      if (this.#isStuck(pin, peer) && this.#hadTime(pin, peer)) return await this.#withdraw(cid, peer)
      const target = this.#targetOf(pin, peer)
      if (target.length === 0) return 'waits'
      const added = target.filter(holder => !pin.allocations.includes(holder))
      const isDead = !this.#deps.members.has(peer)
      const isComplete = added.length === 0
      const said = isComplete && !isDead ? await this.#statusesOn(target, cid, signal) : []
      const unaware = target.filter((_, at) => isElsewhere(said[at], pin))
      if (unaware.length > 0 && this.#hadTime(pin, peer)) return await this.#takeBack(cid, { from: peer, unaware })
      const isSafe = isDead || (isComplete && said.every(info => info.status === 'pinned' && isAbout(info, pin)))
      if (isComplete && !isSafe) return 'waits'
      if (!isDead) await this.#checkAnswers(cid, target, pass)
      return await this.#reallocate(cid, { from: peer, to: target, isSafe })
    } catch (err) {
      signal?.throwIfAborted()
      if (!isClusterError(err, 'NOT_ENOUGH_PEERS')) {
        this.#deps.log.warn('a pin could not be moved off a peer', { cid: cid.toString(), peer, err })
      }
      return 'waits'
    }
  }

  /**
   * Who doesn't answer, or doesn't answer us, could never say that it has the item: rejects with its error. Each peer is asked once in a
   * pass.
   */
  async #checkAnswers (cid: CID, holders: readonly PeerId[], { answers, signal }: Pass): Promise<void> {
    for (const holder of holders) {
      const answer = answers.get(holder) ?? this.#statusOn(holder, cid, signal)
      answers.set(holder, answer)
      await answer
    }
  }

  /** Users may have changed or removed the pin while its holders were asked: then the next pass decides again. */
  async #reallocate (cid: CID, { from, to, isSafe }: { from: PeerId, to: readonly PeerId[], isSafe: boolean }): Promise<Step> {
    const { consensus, clock } = this.#deps
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(from)) return 'gone'
    if (String(this.#targetOf(pin, from)) !== String(to)) return 'waits'
    const added = to.filter(holder => !pin.allocations.includes(holder))
    if (!isSafe && added.length === 0) return 'waits' // another pass of this removal was faster
    const isDone = await consensus.replaceIf(pin, withAllocations(pin, isSafe ? to : [...to, from], clock.now()))
    if (!isDone) return 'waits'
    this.#contestsOf(from).gave(cid, added)
    return isSafe ? 'gone' : 'changed'
  }

  /** True when all holders should have heard of the pin as it is now, and those that are down could have come back. */
  #hadTime (pin: Pin, peer: PeerId): boolean { return this.#stuckOf(peer).forMs(pin, this.#deps.clock.elapsed()) >= unawareMs }

  /** From holders that say that the pin isn't theirs. */
  async #takeBack (cid: CID, { from, unaware }: { from: PeerId, unaware: readonly PeerId[] }): Promise<Step> {
    const { consensus, clock, log } = this.#deps
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(from)) return 'gone'
    const allocations = this.#withoutUnaware(pin, { from, unaware })
    const lost = unaware.filter(holder => pin.allocations.includes(holder) && !allocations.includes(holder))
    if (lost.length === 0 || !await consensus.replaceIf(pin, withAllocations(pin, allocations, clock.now()))) return 'waits'
    this.#contestsOf(from).lost(lost)
    log.warn('allocated peers do not accept a pin, and are removed from it again', { cid: cid.toString(), holders: lost })
    return 'changed'
  }

  /** Others in their place, as far as there are any; else as few of them as the pin's maximum demands. */
  #withoutUnaware (pin: Pin, { from, unaware }: { from: PeerId, unaware: readonly PeerId[] }): PeerId[] {
    try {
      return [...this.#targetOf(pin, from, unaware), from]
    } catch (err) {
      if (!isClusterError(err, 'NOT_ENOUGH_PEERS')) throw err
      const surplus = new Set(unaware.slice(0, Math.max(0, pin.allocations.length - pin.replicationFactorMax)))
      return pin.allocations.filter(holder => !surplus.has(holder))
    }
  }

  /** True when a move was begun, and nobody is left to take the peer's place. */
  #isStuck (pin: Pin, peer: PeerId): boolean {
    const { allocations, replicationFactorMax: max } = pin
    if (max < 0 || allocations.length <= max) return false
    try {
      this.#targetOf(pin, peer)
      return false
    } catch (err) {
      if (!isClusterError(err, 'NOT_ENOUGH_PEERS')) throw err
      return true
    }
  }

  /** As many holders as the pin may have: those that live, then those that are down, the peer that shall go last of its kind. */
  async #withdraw (cid: CID, from: PeerId): Promise<Step> {
    const { consensus, placement, clock, log } = this.#deps
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(from)) return 'gone'
    if (!this.#isStuck(pin, from) || !this.#hadTime(pin, from)) return 'waits'
    const holders = [...pin.allocations.filter(holder => holder !== from), from]
    // needs nobody: takes no others and never refuses
    const living = placement.allocate({ pin: { ...pin, replicationFactorMin: 0 }, current: holders })
    const down = holders.filter(holder => !living.includes(holder))
    const allocations = [...living, ...down].slice(0, pin.replicationFactorMax)
    const lost = holders.filter(holder => !allocations.includes(holder))
    if (!await consensus.replaceIf(pin, withAllocations(pin, allocations, clock.now()))) return 'waits'
    log.warn('allocated peers went down while a pin was moved off a peer, and no peer can replace them', {
      cid: cid.toString(), peer: from, lost
    })
    return lost.includes(from) ? 'gone' : 'changed'
  }

  /**
   * Where the pin shall be without the peer: holders stay, and others come until there are as many as a new pin would get, or as candidates
   * allow.
   */
  #targetOf (pin: Pin, peer: PeerId, unaware: readonly PeerId[] = []): PeerId[] {
    const current = pin.allocations.filter(holder => holder !== peer && !unaware.includes(holder))
    const reallocated = this.#contests.get(peer)?.reallocated() ?? []
    const without = new Set([peer, ...unaware, ...reallocated.filter(holder => !current.includes(holder))])
    for (let most = pin.replicationFactorMax; most > pin.replicationFactorMin; most--) {
      try {
        return this.#deps.placement.allocate({ pin: { ...pin, replicationFactorMin: most }, current, without })
      } catch (err) {
        if (!isClusterError(err, 'NOT_ENOUGH_PEERS')) throw err
      }
    }
    return this.#deps.placement.allocate({ pin, current, without })
  }

  #stuckOf (peer: PeerId): StuckPins {
    const known = this.#stuck.get(peer) ?? new StuckPins()
    this.#stuck.set(peer, known)
    return known
  }

  #contestsOf (peer: PeerId): ReallocatedPeers {
    const known = this.#contests.get(peer) ?? new ReallocatedPeers()
    this.#contests.set(peer, known)
    return known
  }

  async #statusesOn (holders: readonly PeerId[], cid: CID, signal: AbortSignal | undefined): Promise<PinInfo[]> {
    return Promise.all(holders.map(async holder => this.#statusOn(holder, cid, signal)))
  }

  async #statusOn (peer: PeerId, cid: CID, signal: AbortSignal | undefined): Promise<PinInfo> {
    const { clock, ask } = this.#deps
    return within({ clock, ms: peerAnswerMs, signal }, async late => ask(peer, cid, late))
  }
}

const isElsewhere = (answer: PinInfo | undefined, pin: Pin): boolean =>
  answer != null && (['remote', 'unpinned'].includes(answer.status) || (answer.status === 'pinned' && !isAbout(answer, pin)))
