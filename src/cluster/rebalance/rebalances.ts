import type { Clock } from '../../base/clock.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { CID } from '../../model/cid.ts'
import type { BalanceShare, RebalanceOrder, RebalancePlan, RebalanceStatus } from '../cluster-api.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { Members } from '../peers/members.ts'
import type { Moves } from '../pinning/move.ts'
import type { BalancePeersDeps } from './balance-peers.ts'
import { balancePeers } from './balance-peers.ts'
import type { BalanceMove, BalancePeer } from './balance-plan.ts'
import { BalancePlan } from './balance-plan.ts'
import { Growth } from './growth.ts'
import { checkLimits, defaultLimits } from './limits.ts'
import { Pace } from '../../model/pace.ts'

export interface RebalancesDeps extends BalancePeersDeps {
  consensus: Pick<Consensus, 'state'>
  members: Members
  moves: Pick<Moves, 'move' | 'has' | 'delay' | 'undo'>
  datastore?: Pick<Datastore, 'get' | 'write'> | undefined
  workers: Workers
  clock: Clock
  log: Logger
}

/** `rebalance/1` → JSON {order, since, peers}: the one that is under way, and the peers that there were when it began. */
const row = 'rebalance/1'
const movesShown = 100
/** Moves that are planned with one look at the pinset and then made. */
const movesPlanned = 10_000
const mostFailed = 10_000
const lookMs = 1000
const retryMs = 30_000
/** How long a peer that shall get a pin may be silent or unable; then the pin stays where it was. */
const patienceMs = 60_000

type AwaitedPeer = Pick<BalancePeer, 'peer' | 'takes'>
interface StoredRow { order: RebalanceOrder, since: number, peers?: readonly AwaitedPeer[] }

interface Planned { figures: BalanceShare[], pins: number, total: number, moves: Array<BalanceMove<CID>> }

/** The use case "fill all peers alike": see docs/design/rebalance.md. One at a time on this peer. */
export class Rebalances {
  readonly #init: { followerMode: boolean }
  readonly #deps: RebalancesDeps
  #status: RebalanceStatus | undefined
  #order: RebalanceOrder = {}
  #pace = new Pace(defaultLimits)
  #worker: WorkerHandle | undefined
  /** Pins that couldn't be moved: they aren't planned again. */
  readonly #failed = new Set<string>()
  /** Why the last of them couldn't. */
  #failure = ''
  /** Peers that are waited for before the first plan, and until when (the clock's `elapsed`). */
  #awaited: { peers: readonly AwaitedPeer[], until: number } | undefined

  constructor (init: { followerMode: boolean }, deps: RebalancesDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** What a rebalance would do; nothing is changed. Rejects as `balancePeers` does. */
  async plan (order: RebalanceOrder, signal: AbortSignal): Promise<RebalancePlan> {
    const { figures, pins, total, moves } = await this.#look(order, movesShown, signal)
    return { peers: figures, pins, count: total, moves }
  }

  /** Goes on with the rebalance of an earlier run, once the peers are heard that it was begun with. */
  async resume (): Promise<void> {
    const value = this.#deps.datastore?.get(row)
    if (value == null) return
    try {
      const { order, since, peers = [] } = JSON.parse(Buffer.from(value).toString()) as StoredRow
      this.#awaited = { peers, until: this.#deps.clock.elapsed() + patienceMs }
      this.#run(order, Number(since))
    } catch (err) {
      this.#deps.log.warn('the row of a rebalance is damaged and left alone', { err: messageOf(err) })
    }
  }

  async stop (): Promise<void> { await this.#worker?.stop() }

  /**
   * Begins. Resolves when the disk has it. Rejects with FOLLOWER_MODE, INVALID_ARGUMENT, CONFLICT (one is under way), STORAGE_FULL, and as
   * `balancePeers` does; then nothing is begun.
   */
  async start (order: RebalanceOrder, signal: AbortSignal): Promise<RebalanceStatus> {
    refuseInFollowerMode(this.#init)
    checkLimits(order)
    if (this.#isRunning()) throw new ClusterError('CONFLICT', {}, { message: 'a rebalance is under way already' })
    const peers = (await balancePeers(order, this.#deps, signal)).map(({ peer, takes }) => ({ peer, takes }))
    if (this.#isRunning()) throw new ClusterError('CONFLICT', {}, { message: 'a rebalance is under way already' })
    const since = this.#deps.clock.now()
    const stored: StoredRow = { order, since, peers }
    await this.#deps.datastore?.write([{ key: row, value: Buffer.from(JSON.stringify(stored)) }], { sync: true })
    this.#awaited = undefined
    return this.#run(order, since)
  }

  /** The latest since this process began. NOT_FOUND without one. */
  status (): RebalanceStatus {
    if (this.#status == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no rebalance' })
    return this.#status
  }

  /** Moves under way end as they would have; no others begin. */
  async cancel (): Promise<RebalanceStatus> {
    refuseInFollowerMode(this.#init)
    const status = this.status()
    await this.#worker?.stop()
    await this.#forget()
    if (status.state === 'planning' || status.state === 'moving') this.#tell({ state: 'cancelled', endedAt: this.#deps.clock.now() })
    return this.status()
  }

  #isRunning (): boolean { return this.#status?.state === 'planning' || this.#status?.state === 'moving' }

  #run (order: RebalanceOrder, since: number): RebalanceStatus {
    const { by, equal, ...given } = order
    const limits = { ...defaultLimits, ...given }
    this.#order = { by, equal }
    this.#pace = new Pace(limits)
    this.#failed.clear()
    this.#failure = ''
    void this.#worker?.stop()
    this.#status = {
      state: 'planning', reason: '', since, endedAt: null, planned: 0, moved: 0, failed: 0, inTransit: 0, peers: [], ...limits
    }
    this.#worker = this.#deps.workers.add({
      name: 'rebalance', intervalMs: () => retryMs, work: async signal => await this.#round(signal) ? 'busy' : 'idle'
    })
    return this.#status
  }

  #tell (change: Partial<RebalanceStatus>): void { if (this.#status != null) this.#status = { ...this.#status, ...change } }

  async #forget (): Promise<void> { await this.#deps.datastore?.write([{ key: row, value: undefined }], { sync: true, frees: true }) }

  async #round (signal: AbortSignal): Promise<boolean> {
    if (!this.#isRunning()) return false
    await this.#allHeard(signal)
    const { clock, log } = this.#deps
    const { figures, total, moves } = await this.#look(this.#order, movesPlanned, signal).catch(err => {
      this.#tell({ reason: messageOf(err) })
      throw err
    })
    const { moved = 0, failed = 0 } = this.#status ?? {}
    this.#tell({ peers: figures, planned: moved + total, state: 'moving', reason: this.#failure })
    await this.#moveAll(moves, signal)
    if ((this.#status?.moved ?? 0) > moved) return true // what could not move then may be able to, and users go on pinning
    await this.#forget()
    log.info('the peers are in balance', { moved, failed })
    this.#tell({ state: 'done', endedAt: clock.now() })
    return false
  }

  /** After a start of this peer: without the others there would be nothing to move. Who stays away is left out of the plan in the end. */
  async #allHeard (signal: AbortSignal): Promise<void> {
    const { members, placement, clock } = this.#deps
    while (this.#awaited != null) {
      const able = new Set(placement.candidates(new Set()))
      const missing = this.#awaited.peers.find(({ peer, takes }) => !members.has(peer) || (takes && !able.has(peer)))
      if (missing == null || clock.elapsed() >= this.#awaited.until) break
      this.#tell({ reason: `peer ${missing.peer} was not heard since this peer began` })
      await clock.sleep(lookMs, signal)
    }
    this.#awaited = undefined
  }

  /** Looks at the pinset twice. `most` moves are kept; the others are counted. */
  async #look (order: RebalanceOrder, most: number, signal: AbortSignal): Promise<Planned> {
    const { consensus, members } = this.#deps
    const plan = new BalancePlan(await balancePeers(order, this.#deps, signal))
    for await (const batch of consensus.state.pins({ signal })) for (const pin of batch) plan.count(pin)
    const moves: Array<BalanceMove<CID>> = []
    let total = 0
    for await (const batch of consensus.state.pins({ signal })) {
      for (const pin of batch) {
        const move = this.#failed.has(pin.cid.toString()) ? undefined : plan.moveOf(pin)
        if (move == null) continue
        total++
        if (moves.length < most) moves.push(move)
      }
    }
    const figures = plan.figures().map(({ peer, ...figure }) => ({ peer, peerName: members.ping(peer).peerName, ...figure }))
    return { figures, pins: plan.pins, total, moves }
  }

  async #moveAll (moves: ReadonlyArray<BalanceMove<CID>>, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    const inTransit = new Set<BalanceMove<CID>>()
    const growth = new Growth(this.#deps)
    const settle = async (most: number): Promise<void> => {
      for (;;) {
        for (const move of inTransit) await this.#lookAt(move, inTransit)
        this.#tell({ reason: this.#whyTheyWait(inTransit) || this.#failure })
        if (this.#pace.limits.maxBytesPerSecond > 0) {
          this.#pace.arrived(await growth.since([...new Set(moves.map(({ to }) => to))], signal), clock.elapsed())
        }
        if (inTransit.size <= most) return
        await clock.sleep(lookMs, signal)
      }
    }
    for (const move of moves) {
      await settle(this.#pace.limits.atOnce - 1)
      for (let waitMs = this.#pace.waitMs(clock.elapsed()); waitMs > 0; waitMs = this.#pace.waitMs(clock.elapsed())) {
        await clock.sleep(Math.min(waitMs, lookMs), signal)
      }
      this.#pace.began(clock.elapsed())
      if (await this.#begin(move, signal)) inTransit.add(move)
      this.#tell({ inTransit: inTransit.size })
    }
    await settle(0)
  }

  async #lookAt (move: BalanceMove<CID>, inTransit: Set<BalanceMove<CID>>): Promise<void> {
    const { moves, clock, log } = this.#deps
    if (!moves.has(move.cid)) return this.#arrived(move, inTransit)
    const delay = moves.delay(move.cid)
    if (delay == null || clock.elapsed() - delay.since < patienceMs) return
    const { cid, from, to } = move
    await moves.undo(cid)
    log.warn('a peer did not get a pin that a rebalance gave to it, and loses it again', { cid: cid.toString(), from, to, reason: delay.reason })
    inTransit.delete(move)
    this.#failedTo(move, delay.reason)
  }

  #whyTheyWait (inTransit: ReadonlySet<BalanceMove<CID>>): string {
    for (const { cid } of inTransit) {
      const delay = this.#deps.moves.delay(cid)
      if (delay != null) return delay.reason
    }
    return ''
  }

  #arrived (move: BalanceMove<CID>, inTransit: Set<BalanceMove<CID>>): void {
    inTransit.delete(move)
    this.#tell({ moved: (this.#status?.moved ?? 0) + 1, inTransit: inTransit.size })
  }

  /** What can't be moved now stays where it is. */
  async #begin ({ cid, from, to }: BalanceMove<CID>, signal: AbortSignal): Promise<boolean> {
    const { moves, log } = this.#deps
    try {
      await moves.move(cid, { from, to: [to] })
      return true
    } catch (err) {
      signal.throwIfAborted()
      log.debug('a pin could not be moved by a rebalance', { cid: cid.toString(), from, to, err })
      this.#failedTo({ cid }, messageOf(err))
      return false
    }
  }

  #failedTo ({ cid }: Pick<BalanceMove<CID>, 'cid'>, reason: string): void {
    if (this.#failed.size < mostFailed) this.#failed.add(cid.toString())
    this.#failure = reason
    this.#tell({ failed: (this.#status?.failed ?? 0) + 1, reason })
  }
}
