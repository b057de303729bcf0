import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { Consensus, PinsetChange } from '../../consensus/consensus.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { RepoTotals } from '../../model/peer.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { StatusFilter } from '../../model/status.ts'
import type { DrainOrder, DrainStatus } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { Members } from '../peers/members.ts'
import type { Placement } from '../pinning/placement.ts'
import type { DrainingPeers } from './draining-peers.ts'
import type { Drain } from './drain-rows.ts'
import { DrainRows } from './drain-rows.ts'
import { DrainRun } from './drain-run.ts'
import { EverywhereCheck } from './everywhere-check.ts'
import { Growth } from './growth.ts'
import { checkLimits, defaultLimits } from './limits.ts'
import { Receivers } from './receivers.ts'
import { Transfers } from './transfers.ts'

export interface DrainsDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten' | 'onChange' | 'progress'>
  members: Members
  placement: Pick<Placement, 'candidates' | 'metrics' | 'tags'>
  draining: DrainingPeers
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  statusesOf: (peer: PeerId, filter: StatusFilter, signal: AbortSignal) => AsyncIterable<PinInfo[]>
  repoStat: (peer: PeerId, signal: AbortSignal) => Promise<RepoTotals>
  datastore?: Datastore | undefined
  /** Told of each new state of a drain. */
  onDrain?: ((drain: DrainStatus) => void) | undefined
  workers: Workers
  clock: Clock
  log: Logger
}

const mostDrains = 16

/** What a look at the pinset says of a peer that shall be drained. `lacking`: its pins that the other peers are too few for. */
interface Survey { pins: number, everywhere: number, lacking: number, needed: number }

/** The use case "this peer shall hold nothing any more": see docs/design/rebalance.md. */
export class Drains {
  readonly #init: { followerMode: boolean }
  readonly #deps: DrainsDeps
  readonly #rows: DrainRows
  readonly #runs = new Map<PeerId, { run: DrainRun, worker: WorkerHandle }>()
  /** A drain begins and is cancelled one at a time: its row and its run say the same. */
  readonly #changing = new Mutex()
  readonly #unsubscribe: () => void

  constructor (init: { followerMode: boolean }, deps: DrainsDeps) {
    this.#init = init
    this.#deps = deps
    this.#rows = new DrainRows(deps)
    this.#unsubscribe = deps.consensus.onChange(changes => this.#watch(changes))
  }

  /** Goes on with the drains of earlier runs. */
  async resume (signal: AbortSignal): Promise<void> {
    for (const drain of await this.#rows.load(signal)) this.#run(drain)
  }

  async stop (): Promise<void> {
    this.#unsubscribe()
    await Promise.all([...this.#runs.values()].map(async ({ worker }) => worker.stop()))
  }

  /**
   * Begins, or changes the limits of a drain. Resolves when the drain is on the disk. Rejects with FOLLOWER_MODE, INVALID_ARGUMENT
   * (limits), NOT_FOUND (neither a member nor a holder, nor heard since this peer began), NOT_ENOUGH_PEERS (details `pins`, `needed`),
   * CONFLICT (another peer drains it, details `by`), QUEUE_FULL, STORAGE_FULL; then nothing is changed.
   */
  async start (peer: PeerId, order: DrainOrder, signal?: AbortSignal): Promise<DrainStatus> {
    refuseInFollowerMode(this.#init)
    const { draining, members, clock } = this.#deps
    checkLimits(order)
    const known = this.#runs.get(peer)
    if (known != null) return await this.#changing.run(async () => this.#limit(known.run, order))
    const by = draining.drainedBy(peer)
    if (by != null) throw new ClusterError('CONFLICT', { peer, by }, { message: `peer ${by} drains it already: ask that one` })
    if (this.#runs.size >= mostDrains) {
      throw new ClusterError('QUEUE_FULL', {}, { message: `${mostDrains} peers are being drained already` })
    }
    const { pins, everywhere, lacking, needed } = await this.#survey(peer, signal)
    const isKnown = pins > 0 || members.has(peer) || members.missing().some(one => one.peer === peer)
    if (!isKnown) throw new ClusterError('NOT_FOUND', { peer }, { message: 'there is no such peer' })
    if (lacking > 0) {
      throw new ClusterError('NOT_ENOUGH_PEERS', { peer, pins: lacking, needed }, { message: tooFewText(lacking, needed) })
    }
    const drain: Drain = { peer, since: clock.now(), endedAt: null, pins, moved: 0, fewer: 0, ...defaultLimits, ...order }
    await this.#changing.run(async () => {
      await this.#rows.add(drain)
      if (!this.#runs.has(peer)) this.#run(drain).everywhere = everywhere
    })
    const begun = this.status(peer)
    this.#deps.onDrain?.(begun)
    return begun
  }

  /** NOT_FOUND when it isn't drained; CONFLICT when another peer does it. */
  status (peer: PeerId): DrainStatus {
    const found = this.#runs.get(peer)
    if (found != null) return this.#statusOf(found.run)
    const by = this.#deps.draining.drainedBy(peer)
    if (by != null) throw new ClusterError('CONFLICT', { peer, by }, { message: `peer ${by} drains it: ask that one` })
    throw new ClusterError('NOT_FOUND', { peer }, { message: 'the peer is not being drained' })
  }

  /** Oldest first. */
  list (): DrainStatus[] { return [...this.#runs.values()].map(({ run }) => this.#statusOf(run)).toSorted((a, b) => a.since - b.since) }

  /** Pins that have moved stay where they are; the peer gets new ones again. Resolves with how far it was. */
  async cancel (peer: PeerId): Promise<DrainStatus> {
    refuseInFollowerMode(this.#init)
    return await this.#changing.run(async () => {
      const last = this.status(peer)
      const found = this.#runs.get(peer)
      if (found == null) return last
      this.#runs.delete(peer)
      await found.worker.stop() // before the row goes: a run that goes on would write it again
      await this.#rows.delete(peer).catch(err => {
        this.#run(found.run.drain)
        throw err
      })
      this.#deps.draining.delete(peer)
      await found.run.undo()
      return last
    })
  }

  #run (drain: Drain): DrainRun {
    const { transfers, everywhere } = this.#parts()
    const receivers = new Receivers(this.#deps)
    const run: DrainRun = new DrainRun(drain, {
      ...this.#deps, transfers, everywhere, receivers, growth: new Growth(this.#deps),
      measure: async signal => this.#measure(drain, receivers, signal),
      changed: () => this.#deps.onDrain?.(this.#statusOf(run)),
      save: async changed => { if (this.#runs.has(changed.peer)) await this.#rows.save(changed) }
    })
    this.#deps.draining.add(drain.peer)
    this.#runs.set(drain.peer, { run, worker: this.#deps.workers.add(run.worker()) })
    return run
  }

  /** How large a pin of the peer is. Without that, peers are taken by their metrics alone. */
  async #measure ({ peer, pins }: Drain, receivers: Receivers, signal: AbortSignal): Promise<void> {
    const { repoStat, clock } = this.#deps
    await within({ clock, ms: peerAnswerMs, signal }, async late => repoStat(peer, late)).then(
      ({ repoSize }) => receivers.measure(repoSize, pins), () => signal.throwIfAborted()
    )
  }

  #parts (): { transfers: Transfers, everywhere: EverywhereCheck } {
    return { transfers: new Transfers(this.#deps), everywhere: new EverywhereCheck(this.#deps) }
  }

  async #limit (run: DrainRun, order: DrainOrder): Promise<DrainStatus> {
    this.status(run.drain.peer) // not cancelled meanwhile
    run.limit({ ...run.drain, ...order })
    await this.#rows.add(run.drain)
    return this.#statusOf(run)
  }

  #statusOf (run: DrainRun): DrainStatus {
    const { state, reason, left, everywhere, inTransit, stuck, bytes, drain } = run
    return {
      ...drain, peerName: this.#deps.members.ping(drain.peer).peerName, state, reason, left, everywhere, inTransit, stuck, bytes,
      leftMs: run.leftMs()
    }
  }

  /** New allocations of a peer that was drained: Go's peers, and those that haven't heard of it, may make some. */
  #watch (changes: readonly PinsetChange[]): void {
    for (const [peer, { run, worker }] of this.#runs) {
      if (run.state !== 'drained' || !changes.some(({ pin }) => pin?.allocations.includes(peer))) continue
      run.more()
      worker.wake()
    }
  }

  async #survey (peer: PeerId, signal?: AbortSignal): Promise<Survey> {
    const { consensus, placement, members, draining } = this.#deps
    const stays = (other: PeerId): boolean => other !== peer && members.has(other) && !draining.has(other)
    const able = placement.candidates(new Set([peer]))
    const found: Survey = { pins: 0, everywhere: 0, lacking: 0, needed: 0 }
    for await (const batch of consensus.state.pins(signal == null ? {} : { signal })) {
      for (const pin of batch) {
        if (isEverywhere(pin)) found.everywhere++
        else if (pin.allocations.includes(peer)) surveyOne(pin, found, new Set([...able, ...pin.allocations.filter(stays)]).size)
      }
    }
    return found
  }
}

function surveyOne ({ replicationFactorMin: min }: Pin, found: Survey, available: number): void {
  found.pins++
  if (available >= Math.max(1, min)) return
  found.lacking++
  found.needed = Math.max(found.needed, min, 1)
}

function tooFewText (lacking: number, needed: number): string {
  const pins = lacking === 1 ? '1 pin of the peer needs' : `${lacking} pins of the peer need up to`
  return `${pins} ${needed} ${needed === 1 ? 'peer' : 'peers'}, and without it there are fewer: add a peer first, or lower their minimum`
}
