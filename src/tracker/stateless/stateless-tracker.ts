import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import { answerText } from '../../base/errors.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import type { Consensus, PinState } from '../../consensus/consensus.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { IpfsConnector, IpfsPinStatus } from '../../ipfs/ipfs.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { defaultQueue } from '../../model/queue-rules.ts'
import type { QueueRules } from '../../model/queue-rules.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { StatusFilter, TrackerStatus } from '../../model/status.ts'
import type { OperationChange, OperationProgress, PinTracker, QueueTurn, TrackerOptions } from '../tracker.ts'
import type { OperationCounts, OperationRunnerInit } from './operation-runner.ts'
import { OperationRunner, desiredState } from './operation-runner.ts'
import type { KeptState } from './operation-states.ts'
import { keptStates, stateFacts } from './operation-states.ts'
import type { Operation } from './operation-table.ts'
import { cidOfKey, keyOf, OperationTable } from './operation-table.ts'
import type { PinQueue } from './pin-queue.ts'
import type { TrackerIdentity } from './pin-infos.ts'
import { PinInfos } from './pin-infos.ts'
import { CrashLoopGuard } from './crash-loop-guard.ts'
import { StatusListLines } from './status-list-lines.ts'
import { isHeld, missingText, StatusLists } from './status-list.ts'
import type { OpenView, PinRemarks } from './status-list.ts'
import { SurplusRoots } from './surplus-roots.ts'
import { UnfinishedUnpins } from './unfinished-unpins.ts'

export type { TrackerIdentity } from './pin-infos.ts'

export interface StatelessTrackerInit extends OperationRunnerInit {
  /** How often the owner calls `recoverAll`; only for telling when a failed operation is tried again. */
  pinRecoverIntervalMs: number
}

export interface StatelessTrackerDeps {
  /** Must be readable when `start` is called. */
  state: PinState
  /** How far the pinset is: what it doesn't name is only surplus while it is whole. */
  progress: () => Pick<ReturnType<Consensus['progress']>, 'heads' | 'dirty' | 'behind' | 'damaged'>
  /** Resolves when the disk has the pinset as it is: a pin that is told as pinned survives a power cut as this peer's. Default: it has. */
  durable?: () => Promise<void>
  ipfs: Pick<IpfsConnector, 'pin' | 'isWhole' | 'pinWhole' | 'isUnpinned' | 'unpin' | 'progress' | 'pinStatus' | 'pinnedView' | 'pinCount' | 'ownRoots'>
  /**
   * For the tables of unfinished unpins (prefix `unpin/1/`) and running pins (`pinning/1/`). Started before and stopped after the tracker.
   */
  datastore: Datastore
  /** What is to be said of items that are pinned, such as that an audit found them damaged. Default: nothing. */
  notes?: PinRemarks
  /** The rule that denies a CID now. Default: a pin that was denied is for good. */
  deniedBy?: (cid: CID) => string | undefined
  clock: Clock
  log: Logger
  /** Asked at most once a second. */
  identity: () => TrackerIdentity
}

/** Go's "stateless" tracker: keeps operations, computes the rest. With figures for metrics. */
export interface StatelessTracker extends PinTracker {
  /** Operations in each state, now. */
  operations (): Record<KeptState, number>
  /** In how long the turn of the last pin that waits comes, by the pace of late; undefined while it can't be said. Milliseconds. */
  queueWaitMs (): number | undefined
  /** Pins that wait and that have a turn, by queue. */
  pinQueues (): Array<{ name: string, waiting: number, running: number }>
  /** How often what happened since the start. */
  counts (): Readonly<OperationCounts>
  /** Told of every change of an operation, in its turn. The returned function ends it. */
  onOperation (listener: (change: OperationChange) => void): () => void
}

/** Complete when it is made; `start` reads what an earlier run has left. */
export const statelessTracker = (init: StatelessTrackerInit, deps: StatelessTrackerDeps): StatelessTracker => new Tracker(init, deps)

const failedStates: readonly KeptState[] = ['pin_error', 'unpin_error', 'clean_error']
const rowsInBatch = 1000
const oneQueue: QueueRules = { by: [], shares: new Map() }

/** Kept by logs of events, thousands of them: one object, no function. */
class KeyChange implements OperationChange {
  readonly #key: string
  readonly status: TrackerStatus
  readonly error: string
  readonly attempts: number

  constructor (key: string, status: TrackerStatus, operation: Pick<Operation, 'error' | 'attempts'> | undefined) {
    this.#key = key
    this.status = status
    this.error = operation?.error ?? ''
    this.attempts = operation?.attempts ?? 0
  }

  cid (): CID { return cidOfKey(this.#key) }
}

class Tracker implements StatelessTracker {
  readonly name = 'pintracker'
  readonly #init: StatelessTrackerInit
  readonly #deps: StatelessTrackerDeps
  readonly #table: OperationTable
  readonly #unpins: UnfinishedUnpins
  readonly #guard: CrashLoopGuard
  readonly #runner: OperationRunner
  readonly #infos: PinInfos
  readonly #lists: StatusLists
  readonly #lines: StatusListLines
  readonly #surplus: SurplusRoots
  readonly #listeners = new Listeners<OperationChange>()
  #lastRecoverAt = 0
  #isStopped = false

  constructor (init: StatelessTrackerInit, deps: StatelessTrackerDeps) {
    const table = this.#table = new OperationTable(init.queues ?? oneQueue, deps.clock)
    this.#init = init
    this.#deps = deps
    this.#unpins = new UnfinishedUnpins({ ...deps, table })
    this.#guard = new CrashLoopGuard({
      ...deps, isWanted: key => desiredState(deps.state.get(cidOfKey(key)), init.self) === 'pin', due: () => this.#runner.wake()
    })
    this.#runner = new OperationRunner(init, { ...deps, table, guard: this.#guard, changed: key => this.#changed(key) })
    this.#infos = new PinInfos(init.self, deps)
    this.#lists = new StatusLists(init.self, { ...deps, table, infos: this.#infos })
    this.#lines = new StatusListLines(init.self, { ...deps, table, infos: this.#infos, lists: this.#lists })
    this.#surplus = new SurplusRoots(init.self, { ...deps, table })
    this.#runner.onPinned = key => {
      this.#lists.notePinned(key)
      this.#tell(key, 'pinned')
    }
    this.#runner.onUnpinned = (key, isRemote) => this.#tell(key, isRemote ? 'remote' : 'unpinned')
  }

  async start (signal: AbortSignal): Promise<void> {
    this.#lastRecoverAt = this.#deps.clock.now()
    await this.#unpins.load(signal)
    await this.#guard.load(signal)
    this.#runner.start()
  }

  async drain (): Promise<void> { this.#runner.pause() }

  async stop (): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    await this.#runner.stop()
    await this.#unpins.close()
    await this.#guard.close()
  }

  track (pin: Pin): void {
    const desired = desiredState(pin, this.#init.self)
    if (this.#isStopped) return
    if (desired === 'meta') this.#runner.forget(keyOf(pin.cid))
    else this.#runner.request(keyOf(pin.cid), desired, pin)
  }

  untrack (cid: CID): void {
    if (!this.#isStopped) this.#runner.request(keyOf(cid), 'unpin')
  }

  async status (cid: CID, options: TrackerOptions = {}): Promise<PinInfo> {
    const operation = this.#table.get(keyOf(cid))
    const pin = this.#deps.state.get(cid)
    if (operation != null) return this.#infos.ofOperation(cid, operation, pin)
    if (pin == null) return this.#infos.unpinned(cid)
    const desired = desiredState(pin, this.#init.self)
    if (desired === 'meta') return this.#infos.ofPin(pin, 'sharded')
    if (desired === 'remote') return this.#infos.ofPin(pin, 'remote')
    return await this.#askNode(pin, options)
  }

  statusAll (filter: StatusFilter, options: TrackerOptions = {}): AsyncIterable<PinInfo[]> {
    return this.#lists.list(filter, options)
  }

  statusLines (filter: StatusFilter, options: TrackerOptions = {}): AsyncIterable<Uint8Array> { return this.#lines.list(filter, options) }

  async recover (cid: CID, options: TrackerOptions = {}): Promise<PinInfo> {
    const info = await this.status(cid, options)
    const operation = this.#table.get(keyOf(cid))
    const isQueued = operation != null ? this.#retry(operation) : info.status === 'unexpectedly_unpinned' && this.#repin(cid)
    return isQueued ? await this.status(cid, options) : info
  }

  async * recoverAll (options: TrackerOptions = {}): AsyncGenerator<PinInfo[]> {
    const open = await this.#lists.openView(options)
    let wanted: number | undefined
    try {
      yield * this.#retryFailed()
      for await (const pins of this.#deps.state.pins(options)) {
        const held = await open.view.statusesOf?.(pins.map(pin => pin.cid))
        if (held != null) {
          wanted = (wanted ?? 0) + pins.filter((pin, at) => held[at] !== 'unpinned' && desiredState(pin, this.#init.self) === 'pin').length
        }
        const rows = pins.filter((pin, at) => this.#repinIfMissing(pin, open, held?.[at])).map(pin => this.#rowOf(pin))
        if (rows.length > 0) yield rows
      }
    } finally {
      this.#lastRecoverAt = this.#deps.clock.now()
      await this.#lists.closeView(open)
    }
    yield * this.#unpinSurplus(wanted, options)
  }

  /** Roots that a crash has left behind. What finds no room in the queue is found again. */
  async * #unpinSurplus (wanted: number | undefined, options: TrackerOptions): AsyncGenerator<PinInfo[]> {
    let count = 0
    for await (const roots of this.#surplus.list(wanted, options)) {
      const rows: PinInfo[] = []
      for (const { key, cid, desired } of roots) {
        if (!this.#runner.hasRoomForUnpins()) break
        this.#runner.request(key, desired)
        const operation = this.#table.get(key)
        if (operation != null) rows.push(this.#infos.ofOperation(cid, operation, this.#deps.state.get(cid)))
      }
      count += rows.length
      if (rows.length > 0) yield rows
      if (rows.length < roots.length) break
    }
    if (count > 0) {
      this.#deps.log.info('the IPFS node held roots that nothing in the pinset asks for; they are being unpinned', { roots: count })
    }
  }

  operation (cid: CID): OperationProgress | undefined {
    const operation = this.#table.get(keyOf(cid))
    if (operation == null || operation.state === 'idle') return undefined
    const { type, phase } = stateFacts[operation.state]
    const isTriedAgain = phase === 'error' && !operation.refused && !operation.tooLarge
    return {
      type,
      phase,
      since: operation.since,
      attempts: operation.attempts,
      error: operation.error,
      queueLength: this.#queueLengthOf(operation),
      ...(phase === 'queued' ? { turn: this.#turnOf(operation) } : {}),
      nextTryAt: isTriedAgain ? this.#lastRecoverAt + this.#init.pinRecoverIntervalMs : null
    }
  }

  queueLength (): number { return this.#table.count('priority_pin_queued') + this.#table.count('pin_queued') }

  queueWaitMs (): number | undefined { return this.#runner.pace.waitMs(this.queueLength(), this.#deps.clock.elapsed()) }

  pinQueues (): Array<{ name: string, waiting: number, running: number }> {
    return Array.from(this.#table.queues.all, ({ name, length, running }) => ({ name, waiting: length, running }))
  }

  setAsideCount (): number { return this.#guard.suspects }

  operations (): Record<KeptState, number> {
    const counts = Object.fromEntries(keptStates.map(state => [state, this.#table.count(state)])) as Record<KeptState, number>
    return { ...counts, pin_queued: this.queueLength() }
  }

  counts (): Readonly<OperationCounts> { return { ...this.#runner.counts } }

  onOperation (listener: (change: OperationChange) => void): () => void { return this.#listeners.add(listener) }

  #changed (key: string): void {
    this.#unpins.note(key)
    const operation = this.#table.get(key)
    if (operation != null && operation.state !== 'idle') this.#tell(key, stateFacts[operation.state].status, operation)
  }

  #tell (key: string, status: TrackerStatus, operation?: Pick<Operation, 'error' | 'attempts'>): void {
    this.#listeners.emit(new KeyChange(key, status, operation))
  }

  async #askNode (pin: Pin, options: TrackerOptions): Promise<PinInfo> {
    try {
      const status = await this.#deps.ipfs.pinStatus(pin, options)
      const operation = this.#table.get(keyOf(pin.cid))
      if (operation != null) return this.#infos.ofOperation(pin.cid, operation, pin) // it began while the node was asked
      return isHeld(pin, status)
        ? this.#infos.ofPin(pin, 'pinned', this.#keptText(pin))
        : this.#infos.ofPin(pin, 'unexpectedly_unpinned', missingText)
    } catch (err) {
      if (options.signal?.aborted === true) throw err
      return this.#infos.ofPin(pin, 'cluster_error', answerText(err))
    }
  }

  /** Of a pin that an audit found damaged, or that was here before a rule denied it. It is pinned all the same: it takes room, and isn't tried again or anywhere else. */
  #keptText ({ cid }: Pin): string {
    const rule = this.#deps.deniedBy?.(cid)
    return rule == null ? this.#deps.notes?.on(cid) ?? '' : `denied by ${rule}: kept until it is unpinned, and given to nobody`
  }

  #rowOf (pin: Pin): PinInfo {
    const operation = this.#table.get(keyOf(pin.cid))
    return operation == null
      ? this.#infos.ofPin(pin, 'unexpectedly_unpinned', missingText)
      : this.#infos.ofOperation(pin.cid, operation, pin)
  }

  #repin (cid: CID): boolean {
    const pin = this.#deps.state.get(cid)
    if (pin == null || desiredState(pin, this.#init.self) !== 'pin') return false
    this.#runner.request(keyOf(cid), 'pin', pin)
    return true
  }

  /** Leaves for the next round what finds no room: a full queue would only turn missing items into errors. */
  #repinIfMissing (pin: Pin, open: OpenView, held: IpfsPinStatus | undefined): boolean {
    const key = keyOf(pin.cid)
    if (this.#table.get(key) != null || this.#lists.computedOf(pin, key, open, held) !== 'unexpectedly_unpinned') return false
    return this.#runner.hasRoomForPins() && this.#repin(pin.cid)
  }

  /** Queues a failed operation again, as what the pinset wants now; true when it did. */
  #retry (operation: Operation): boolean {
    if (operation.state === 'idle' || !failedStates.includes(operation.state)) return false
    const pin = this.#deps.state.get(cidOfKey(operation.key))
    const desired = desiredState(pin, this.#init.self)
    const isObsolete = desired === 'meta' || (desired === 'unpin' && operation.state === 'pin_error')
    if (isObsolete) this.#runner.drop(operation.key)
    else this.#runner.request(operation.key, desired, pin)
    return !isObsolete
  }

  * #retryFailed (): Generator<PinInfo[]> {
    for (const failed of batchesOf(this.#table.inStates(failedStates), rowsInBatch)) {
      const rows: PinInfo[] = []
      for (const operation of failed) {
        const cid = cidOfKey(operation.key)
        if (this.#isRefusedStill(operation, cid) || !this.#retry(operation)) continue
        rows.push(this.#infos.ofOperation(cid, operation, this.#deps.state.get(cid)))
      }
      if (rows.length > 0) yield rows
    }
  }

  #isRefusedStill ({ refused, tooLarge, state }: Operation, cid: CID): boolean {
    if (tooLarge) return true
    return refused && (state !== 'pin_error' || this.#deps.deniedBy == null || this.#deps.deniedBy(cid) != null)
  }

  #turnOf (operation: Operation): QueueTurn {
    const { state, queue } = operation
    if (state === 'pin_queued' && queue != null) return this.#pinTurnOf(operation, queue)
    const place = 1 + (state === 'unpin_queued'
      ? this.#table.before('unpin_queued', operation)
      : this.#table.count('unpin_queued') + this.#table.before('clean_queued', operation))
    return { place, inMs: null }
  }

  #pinTurnOf (operation: Operation, queue: PinQueue): QueueTurn {
    const { queues } = this.#table
    const now = this.#deps.clock.elapsed()
    const place = queues.placeOf(operation, queue)
    const rateMs = queues.rateMs(operation, queue)
    const paceMs = this.#runner.pace.waitMs(place, now)
    const limit = queue.limit(now)
    return {
      place,
      inMs: paceMs == null ? rateMs > 0 ? rateMs : null : Math.max(paceMs, rateMs),
      ...(queue.name === defaultQueue ? {} : { queue: queue.name }),
      ...(limit == null ? {} : { limit })
    }
  }

  #queueLengthOf ({ state, priority }: Operation): number {
    const isPin = state === 'idle' || stateFacts[state].type === 'pin'
    if (isPin) return this.#table.count(priority ? 'priority_pin_queued' : 'pin_queued')
    return this.#table.count('unpin_queued') + this.#table.count('clean_queued')
  }
}
