import type { MetricsByName } from '../../allocator/allocator.ts'
import type { Clock } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { ResponsibilityDeps } from './responsibility.ts'
import { responsibilityOf } from './responsibility.ts'
import type { Members } from '../peers/members.ts'
import { Pace } from '../../model/pace.ts'
import type { HealedPins } from './healed-pins.ts'
import { isExpired } from './pin-rules.ts'
import type { Placement } from './placement.ts'

export interface RepinnerDeps extends ResponsibilityDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten' | 'trusts'>
  members: Members
  placement: Pick<Placement, 'allocate' | 'metrics'>
  healed: Pick<HealedPins, 'add'>
  clock: Clock
  log: Logger
}

/** What becomes of the pins of a peer that is gone. The default is Go's: at once, as fast as it goes, and who comes back has lost them. */
export interface HealingPolicy {
  afterMs: number
  /** 0: no limit. */
  maxPinsPerSecond: number
  whenBack: 'leave' | 'give_back'
}

/** What Go does, and what holds unless the configuration says otherwise. */
export const goHealing: HealingPolicy = { afterMs: 0, maxPinsPerSecond: 0, whenBack: 'leave' }
const usualLookMs = 3_600_000

/** `due`: by the time of the process. `lastSeen`: by the clock, when it was noted. */
interface Down { due: number, lastSeen: number | null }

/** Finds new places for what a peer that went down held (cluster.go). One peer at a time. */
export class Repinner {
  readonly #init: HealingPolicy
  readonly #deps: RepinnerDeps
  /** Peers that are gone, and when their pins get other holders, by the time of the process. */
  readonly #down = new Map<PeerId, Down>()
  readonly #pace: Pace

  constructor (init: HealingPolicy, deps: RepinnerDeps) {
    this.#init = init
    this.#deps = deps
    this.#pace = new Pace({ maxPinsPerSecond: init.maxPinsPerSecond, maxBytesPerSecond: 0 })
  }

  /** Notes a peer whose ping expired; `worker` does the rest. A peer that is gone stays noted from the first time on. */
  note (peer: PeerId): void { if (!this.#down.has(peer)) this.#noteAgain(peer, this.#init.afterMs) }

  #noteAgain (peer: PeerId, leftMs: number): void {
    const { members, clock } = this.#deps
    this.#down.set(peer, { due: clock.elapsed() + leftMs, lastSeen: members.missingPeer(peer).lastSeen })
  }

  /**
   * Gives every pin of the peer that is ours to care for a new place, if it has fewer holders than it needs. A peer that is back is left
   * alone.
   */
  async repinFrom (peer: PeerId, signal: AbortSignal): Promise<void> {
    if (this.#deps.members.has(peer)) return
    const isOurs = responsibilityOf(this.#deps, peer)
    for await (const batch of this.#deps.consensus.state.pins({ signal })) {
      const metrics = this.#deps.placement.metrics()
      const affected = batch.filter(pin => pin.allocations.includes(peer) && isOurs(pin.cid))
      if (this.#init.maxPinsPerSecond === 0) await Promise.all(affected.map(async pin => this.#repin(pin, peer, metrics)))
      else for (const pin of affected) if (!await this.#repinInTurn(pin, peer, signal)) return
    }
  }

  /** False when the peer has come back meanwhile. */
  async #repinInTurn (pin: Pin, peer: PeerId, signal: AbortSignal): Promise<boolean> {
    const { clock, members, placement } = this.#deps
    const waitMs = (): number => this.#pace.waitMs(clock.elapsed())
    for (let ms = waitMs(); ms > 0; ms = waitMs()) await clock.sleep(ms, signal)
    if (members.has(peer)) return false
    if (await this.#repin(pin, peer, placement.metrics())) this.#pace.began(clock.elapsed())
    return true
  }

  /** Whether the pin has changed. */
  async #repin ({ cid }: Pin, peer: PeerId, metrics: MetricsByName): Promise<boolean> {
    const { consensus, placement, healed, clock, log } = this.#deps
    await consensus.whenWritten(cid) // a user's change that isn't in the state yet must not be undone
    const pin = consensus.state.get(cid)
    if (pin == null || !pin.allocations.includes(peer) || isExpired(pin, clock.now())) return false
    try {
      const allocations = placement.allocate({ pin, current: pin.allocations, without: new Set([peer]) }, metrics)
      if (!differ(allocations, pin.allocations)) return false
      const added = allocations.filter(other => !pin.allocations.includes(other))
      const isTemporary = this.#init.whenBack === 'give_back' && added.length > 0
      if (isTemporary) await healed.add({ cid, peer, added, at: clock.now() })
      const next = isTemporary ? [...pin.allocations, ...added] : allocations
      const isDone = await consensus.replaceIf(pin, { ...pin, allocations: next, timestamp: clock.now() })
      if (!isDone) return await this.#repin(pin, peer, metrics)
      log.info('repinned away from a peer that is down', { cid: cid.toString(), peer, allocations: next })
      return true
    } catch (err) {
      if (isClusterError(err, 'NOT_ENOUGH_PEERS'))
        log.warn('no peer can take a pin of a peer that is down', { cid: cid.toString(), peer, err })
      else log.error('a pin of a peer that is down could not be repinned', { cid: cid.toString(), peer, err })
      return false
    }
  }

  /** Works through the noted peers; wake it after `note`. */
  worker (): Worker {
    return {
      name: 'repin',
      intervalMs: () => Math.max(0, Math.min(usualLookMs, ...[...this.#down.values()].map(({ due }) => due - this.#deps.clock.elapsed()))),
      work: async signal => {
        const peer = [...this.#down].find(([, { due }]) => due <= this.#deps.clock.elapsed())?.[0]
        if (peer == null) return 'idle'
        if (this.#isBack(peer)) return 'busy'
        this.#deps.log.info('repinning what a peer that is down held', { peer })
        await this.repinFrom(peer, signal)
        this.#down.delete(peer)
        return 'busy'
      }
    }
  }

  /** Also when it was back in between: then its time counts from when it was heard last. */
  #isBack (peer: PeerId): boolean {
    const { members, clock } = this.#deps
    const { afterMs } = this.#init
    const { lastSeen } = members.missingPeer(peer)
    if (members.has(peer)) this.#down.delete(peer)
    else if (afterMs === 0 || lastSeen == null || lastSeen === this.#down.get(peer)?.lastSeen) return false
    else this.#noteAgain(peer, Math.min(afterMs, lastSeen + afterMs - clock.now()))
    return true
  }
}

const differ = (a: readonly PeerId[], b: readonly PeerId[]): boolean => a.length !== b.length || a.some((peer, at) => peer !== b[at])
