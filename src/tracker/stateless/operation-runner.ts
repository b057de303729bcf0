import type { Clock } from '../../base/clock.ts'
import { ClusterError, answerText, isClusterError, isFault, messageOf } from '../../base/errors.ts'
import { inNextTick } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { PinState } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Pin, PinPlacement } from '../../model/pin.ts'
import type { QueueRules } from '../../model/queue-rules.ts'
import { queueOf } from '../../model/queue-rules.ts'
import { isRemote } from '../../model/pin.ts'
import type { ListName, Operation, OperationTable } from './operation-table.ts'
import { cidOfKey, keyOf } from './operation-table.ts'
import { stateFacts } from './operation-states.ts'
import type { CrashLoopGuard } from './crash-loop-guard.ts'
import type { PinQueue } from './pin-queue.ts'
import { PinSemaphore } from './pin-semaphore.ts'
import { QueuePace } from './queue-pace.ts'

/** What the pinset wants of this peer's node for a CID. `meta` items are never pinned themselves. */
export type DesiredState = 'pin' | 'unpin' | 'remote' | 'meta'

/** What the pinset wants of this peer's node for an item. */
export function desiredState (pin: PinPlacement | undefined, self: PeerId): DesiredState {
  if (pin == null) return 'unpin'
  if (pin.type === 'meta-pin') return 'meta'
  return isRemote(pin, self) ? 'remote' : 'pin'
}

export interface OperationRunnerInit {
  self: PeerId
  /** How waiting pins are put into queues. Default: not at all. */
  queues?: QueueRules
  /** Room for each of three kinds: priority pins, other pins, unpins. */
  maxPinQueueSize: number
  concurrentPins: number
  /**
   * Go runs one unpin at a time; a few at once keep up with deleting many. Order matters only within a CID, and there one run waits for the
   * other. Default 4.
   */
  concurrentUnpins?: number
  priorityPinMaxAgeMs: number
  priorityPinMaxRetries: number
}

export interface OperationRunnerDeps {
  state: PinState
  ipfs: Pick<IpfsConnector, 'pin' | 'isWhole' | 'pinWhole' | 'isUnpinned' | 'unpin' | 'progress'>
  /** Resolves when the disk has the pinset as it is. Default: it has. */
  durable?: () => Promise<void>
  guard: CrashLoopGuard
  clock: Clock
  log: Logger
  table: OperationTable
  /** Called after each change of an operation. */
  changed: (key: string) => void
}

/** How often what happened since the start. */
export interface OperationCounts {
  pinsDone: number, pinsFailed: number, unpinsDone: number, unpinsFailed: number, cancelled: number, queueFull: number
}

const usualUnpins = 4
/** A pin without progress from one look to the next (so for 5 to 10 s) gives its slot to others that wait. */
const stuckLookMs = 5000
/** Stuck pins that go on beside each slot. */
const parkedPerSlot = 8
/** Pins whose content is here, and which only have to be written: these need no slot. */
const mostWhole = 256
/** Pins that are kept as the pinset told them, until they begin. */
const mostFresh = 1024
/** A node that answers at once must not keep timers and sockets from their turn. */
const startsInOneTick = 128

/** Shorter pauses aren't worth a timer: the next one is longer by them. */
const leastPauseMs = 20

const queueIsFull = 'pin/unpin operation queue is full. Try increasing max_pin_queue_size'

/**
 * `controller`: of what can be ended before its time. `queue`: of a pin, whose share it uses; `hasTurn` until it has given up its slot.
 * `isAskedAgain`: the pinset has a newer pin of the same CID.
 */
interface Run {
  controller: AbortController | undefined, isCancelled: boolean, settled: Promise<void>, queue: PinQueue | undefined, hasTurn: boolean,
  fetchedBytes: number, isAskedAgain: boolean
}

/** A pin that only lacks its root. */
interface Whole { key: string, pin: Pin, run: Run }

/**
 * Runs operations against the node: pins in `concurrentPins` slots, their queues by turns, unpins in a few slots of their own. A queue of
 * which nothing has run for five seconds doesn't wait for the long pins of others: it gets a slot beyond, up to as many again.
 */
export class OperationRunner {
  readonly counts: OperationCounts = { pinsDone: 0, pinsFailed: 0, unpinsDone: 0, unpinsFailed: 0, cancelled: 0, queueFull: 0 }
  /** Told of each CID that was just pinned. */
  onPinned: ((key: string) => void) | undefined
  /** Told of each CID that was just unpinned; `isRemote`: because others hold it. */
  onUnpinned: ((key: string, isRemote: boolean) => void) | undefined
  readonly #init: OperationRunnerInit
  readonly #deps: OperationRunnerDeps
  /** Runs that haven't settled, cancelled ones included: the next run of the same CID waits for them. */
  readonly #runs = new Map<string, Run>()
  /** What the pinset said last of pins that wait: most are whole, and gone in the next tick. */
  readonly #fresh = new Map<string, Pin>()
  #wholeRuns = 0
  readonly #pinSemaphore: PinSemaphore
  /** How fast pins come to their turn. */
  readonly pace = new QueuePace()
  #freeUnpins: number
  #running = false
  #isPumpDue = false
  #startsLeft = startsInOneTick
  #cancelTurn: (() => void) | undefined

  constructor (init: OperationRunnerInit, deps: OperationRunnerDeps) {
    this.#init = init
    this.#deps = deps
    this.#freeUnpins = init.concurrentUnpins ?? usualUnpins
    this.#pinSemaphore = new PinSemaphore({
      slots: init.concurrentPins, lookMs: stuckLookMs, maxParked: parkedPerSlot * init.concurrentPins, mostWhole
    }, {
      clock: deps.clock,
      progress: key => progressOf(deps.ipfs, key),
      isWaited: () => this.#firstPin() != null,
      left: key => this.#endTurn(this.#runs.get(key)),
      freed: () => this.#pumpSoon()
    })
  }

  start (): void {
    this.#running = true
    this.#pumpSoon()
  }

  /** Looks for what may run now. */
  wake (): void { this.#pumpSoon() }

  /** Starts nothing more. */
  pause (): void { this.#running = false }

  /** Aborts what runs and waits for it. The operations stay as they are. */
  async stop (): Promise<void> {
    this.pause()
    this.#pinSemaphore.stop()
    this.#cancelTurn?.()
    const runs = [...this.#runs.values()]
    for (const run of runs) cancel(run, new ClusterError('NOT_READY', {}, { message: 'the pin tracker stops' }))
    await Promise.all(runs.map(async run => run.settled))
  }

  /** The pinset asks for it: replaces, cancels or leaves alone what is under way for this CID (pintracker/optracker). */
  request (key: string, event: 'pin' | 'unpin' | 'remote', pin?: Pin): void {
    const { table, clock } = this.#deps
    const now = clock.now()
    if (event !== 'pin') this.#deps.guard.forget(key)
    this.#keepFresh(key, event === 'pin' ? pin : undefined)
    if (event === 'remote' && this.#isClean(key, pin)) return this.#unpinned(key, true)
    const priority = event === 'pin' && pin != null && this.#isPriority(pin, table.get(key))
    const queueName = event === 'pin' && pin != null ? this.#queueOf(pin) : undefined
    const change = table.apply(key, event, {
      now, priority, ...(event === 'pin' ? { error: this.#deps.guard.reason(key) } : {}), ...(queueName == null ? {} : { queue: queueName })
    })
    if (change == null && event === 'pin') this.#askAgain(key)
    if (change == null) return queueName != null && table.moveTo(key, queueName) ? this.#pumpSoon() : undefined
    if (change.cancel === true) this.#cancel(key)
    const queue: ListName[] = event === 'pin' ? [priority ? 'priority_pin_queued' : 'pin_queued'] : ['unpin_queued', 'clean_queued']
    if (this.#lengthOf(queue) > this.#init.maxPinQueueSize) this.#refuse(event === 'pin' ? this.#lastOfMost(key) : key)
    this.#deps.changed(key)
    // who asked for the pin gets the answer first
    this.#pumpSoon(event === 'pin' ? 'next tick' : 'this tick')
  }

  /** Of most pins that others hold there is nothing here: they need no operation, and a joining peer hears of all of them at once. */
  #isClean (key: string, pin: Pin | undefined): boolean {
    const isIdle = this.#running && pin != null && this.#deps.table.get(key) == null && !this.#runs.has(key)
    return isIdle && this.#deps.ipfs.isUnpinned?.(pin.cid) === true
  }

  /** The pinset says something of this CID that is nothing to be done. */
  forget (key: string): void { this.#fresh.delete(key) }

  #keepFresh (key: string, pin: Pin | undefined): void {
    if (pin == null || (this.#fresh.size >= mostFresh && !this.#fresh.has(key))) this.#fresh.delete(key)
    else this.#fresh.set(key, pin)
  }

  #askAgain (key: string): void {
    const run = this.#runs.get(key)
    if (run != null) run.isAskedAgain = true
  }

  drop (key: string): void {
    this.#fresh.delete(key)
    if (this.#deps.table.apply(key, 'drop', { now: this.#deps.clock.now() })?.cancel === true) this.#cancel(key)
    this.#deps.changed(key)
  }

  /** Whether another pin would find room. */
  hasRoomForPins (): boolean {
    return Math.max(this.#deps.table.count('priority_pin_queued'), this.#deps.table.count('pin_queued')) < this.#init.maxPinQueueSize
  }

  /** The same for an unpin. */
  hasRoomForUnpins (): boolean { return this.#lengthOf(['unpin_queued', 'clean_queued']) < this.#init.maxPinQueueSize }

  #lengthOf (queue: readonly ListName[]): number {
    return queue.reduce((sum, name) => sum + this.#deps.table.count(name), 0)
  }

  /** The pin that fails when there are too many: this one, or another whose queue has more of them. */
  #lastOfMost (key: string): string {
    const { table } = this.#deps
    const operation = table.get(key)
    return operation?.queue == null ? key : table.queues.longest(operation.queue, operation.priority).last?.key ?? key
  }

  #queueOf ({ metadata }: Pin): string { return queueOf(metadata, this.#init.queues?.by ?? []) }

  #isPriority (pin: Pin, operation: Operation | undefined): boolean {
    const isAgain = operation != null && operation.state !== 'idle' && stateFacts[operation.state].type === 'pin'
    const attempts = isAgain ? operation.attempts : 0
    return this.#deps.clock.now() < pin.timestamp + this.#init.priorityPinMaxAgeMs && attempts <= this.#init.priorityPinMaxRetries
  }

  #refuse (key: string): void {
    this.counts.queueFull++
    this.#deps.table.apply(key, 'full', { now: this.#deps.clock.now(), error: queueIsFull })
    this.#deps.changed(key)
    if (this.counts.queueFull % 1000 === 1) {
      this.#deps.log.warn('a queue of operations is full', { maxPinQueueSize: this.#init.maxPinQueueSize })
    }
  }

  #cancel (key: string): void {
    this.counts.cancelled++
    const run = this.#runs.get(key)
    if (run != null) cancel(run, new ClusterError('INTERNAL', {}, { message: 'a newer operation replaces this one' }))
  }

  #pumpSoon (when: 'this tick' | 'next tick' = 'this tick'): void {
    if (!this.#running || this.#isPumpDue) return
    this.#isPumpDue = true
    const pump = (): void => {
      this.#isPumpDue = false
      this.#pump()
    }
    if (this.#startsLeft > 0 && when === 'this tick') return queueMicrotask(pump)
    this.#startsLeft = startsInOneTick
    inNextTick(pump)
  }

  #pump (): void {
    const whole: Whole[] = []
    const hasMore = this.#beginAll(whole)
    if (whole.length > 0) this.#pinWhole(whole)
    if (hasMore) this.#pumpSoon()
    else this.#waitForTurn()
  }

  /** False when nothing is left that may begin. */
  #beginAll (whole: Whole[]): boolean {
    while (this.#running && this.#startsLeft > 0) {
      const operation = this.#nextPin() ?? this.#nextUnpin()
      if (operation == null) return false
      const pin = this.#wholePin(operation)
      if (pin == null) this.#begin(operation)
      else whole.push({ key: operation.key, pin, run: this.#enter(operation, undefined) })
    }
    return true
  }

  /** A queue that waits for its rate wakes nobody. */
  #waitForTurn (): void {
    this.#cancelTurn?.()
    const ms = this.#deps.table.queues.nextTurnMs()
    this.#cancelTurn = ms == null ? undefined : this.#deps.clock.after(Math.ceil(ms), () => this.#pumpSoon())
  }

  #nextPin (): Operation | undefined {
    const { free } = this.#pinSemaphore
    if (free > 0) return this.#firstPin()
    return free > -this.#init.concurrentPins ? this.#firstPin({ onlyIdle: true }) : undefined
  }

  /** The next pin that may run; see `CrashLoopGuard.mayBegin`. */
  #firstPin (options?: { onlyIdle: boolean }): Operation | undefined {
    return this.#deps.table.queues.next(({ key }) => !this.#runs.has(key) && this.#deps.guard.mayBegin(key), options)
  }

  #nextUnpin (): Operation | undefined {
    if (this.#freeUnpins === 0) return undefined
    return this.#firstFree('unpin_queued') ?? this.#firstFree('clean_queued')
  }

  #firstFree (state: 'unpin_queued' | 'clean_queued'): Operation | undefined {
    return this.#deps.table.first(state, ({ key }) => !this.#runs.has(key))
  }

  /** The pin of an operation that only lacks its root. A pin that is to be noted before it begins isn't looked at. */
  #wholePin ({ key, state }: Operation): Pin | undefined {
    const pin = this.#fresh.get(key)
    if (pin == null) return undefined
    this.#fresh.delete(key)
    const mayBe = state === 'pin_queued' && this.#wholeRuns < mostWhole && !this.#deps.guard.isToBeNoted(key)
    return mayBe && this.#deps.ipfs.isWhole?.(pin) === true ? pin : undefined
  }

  #begin (operation: Operation): void {
    const { key } = operation
    const isPin = operation.state === 'pin_queued'
    const controller = new AbortController()
    if (isPin) this.#pinSemaphore.take(key)
    else this.#freeUnpins--
    const run = this.#enter(operation, controller)
    this.#deps.changed(key)
    const work = isPin ? this.#pin(key, run, controller.signal) : this.#unpin(key, controller.signal)
    run.settled = work.then(
      () => this.#settle(key, controller.signal, isPin),
      err => this.#settle(key, controller.signal, isPin, { err }))
  }

  #enter ({ key, queue, state }: Operation, controller: AbortController | undefined): Run {
    const isPin = state === 'pin_queued'
    const run: Run = {
      controller, isCancelled: false, settled: Promise.resolve(), queue: isPin ? queue : undefined, hasTurn: isPin, fetchedBytes: 0,
      isAskedAgain: false
    }
    this.#startsLeft--
    this.#runs.set(key, run)
    if (isPin && queue != null) this.#deps.table.queues.began(queue)
    this.#deps.table.apply(key, 'start', { now: this.#deps.clock.now() })
    return run
  }

  /** Without slots, and without telling that they begin: these need only be written, and all at once. */
  #pinWhole (group: readonly Whole[]): void {
    for (const { run } of group) this.#endTurn(run)
    this.#wholeRuns += group.length
    const settled = this.#rootAll(group).then(() => this.#settleWhole(group), err => this.#settleWhole(group, { err }))
    for (const { run } of group) run.settled = settled
  }

  async #rootAll (group: readonly Whole[]): Promise<void> {
    await this.#deps.ipfs.pinWhole?.(group.map(({ pin }) => pin))
    await this.#deps.durable?.()
  }

  #settleWhole (group: readonly Whole[], failure?: { err: unknown }): void {
    this.#wholeRuns -= group.length
    const now = this.#deps.clock.elapsed()
    const isWaited = this.#isWaited()
    for (const { key, pin, run } of group) {
      this.#runs.delete(key)
      this.#deps.table.queues.ended(0)
      this.pace.ended(now, isWaited)
      if (run.isCancelled) continue
      if (failure == null) this.#pinned(key, pin, run)
      else this.#fail(key, true, failure.err)
      if (failure != null) this.#deps.changed(key)
    }
    this.#pumpSoon()
  }

  #endTurn (run: Run | undefined): void {
    if (run?.hasTurn !== true) return
    run.hasTurn = false
    if (run.queue != null) this.#deps.table.queues.turnEnded(run.queue)
  }

  #settle (key: string, signal: AbortSignal, isPin: boolean, failure?: { err: unknown }): void {
    const run = this.#runs.get(key)
    this.#runs.delete(key)
    if (isPin) this.#pinEnded(key, run)
    else this.#freeUnpins++
    if (!signal.aborted) {
      if (failure != null) this.#fail(key, isPin, failure.err)
      this.#deps.changed(key)
    }
    this.#pumpSoon()
  }

  #pinEnded (key: string, run: Run | undefined): void {
    this.#pinSemaphore.give(key)
    this.#endTurn(run)
    this.#deps.table.queues.ended(run?.fetchedBytes ?? 0)
    this.pace.ended(this.#deps.clock.elapsed(), this.#isWaited())
    this.#deps.guard.end(key)
  }

  #isWaited (): boolean { return this.#lengthOf(['priority_pin_queued', 'pin_queued']) > 0 }

  #fail (key: string, isPin: boolean, err: unknown): void {
    this.counts[isPin ? 'pinsFailed' : 'unpinsFailed']++
    const refused = isClusterError(err, isPin ? 'DENIED' : 'PIN_REFUSED')
    const tooLarge = isClusterError(err, 'CONTENT_TOO_LARGE')
    this.#deps.table.apply(key, 'fail', { now: this.#deps.clock.now(), error: answerText(err), refused, tooLarge })
    this.#deps.log.warn('an operation failed', {
      cid: String(cidOfKey(key)), state: this.#deps.table.get(key)?.state, err: isFault(err) ? err : messageOf(err)
    })
  }

  async #pin (key: string, run: Run, signal: AbortSignal): Promise<void> {
    const cid = cidOfKey(key)
    const pin = this.#deps.state.get(cid)
    if (pin == null || desiredState(pin, this.#init.self) !== 'pin') return this.#giveUp(key, cid)
    const noted = this.#deps.guard.begin(key)
    if (noted != null) await noted
    signal.throwIfAborted()
    await this.#pinOrHold(pin, run, signal)
    if (signal.aborted) return
    // who is told that it is pinned takes it from others: a power cut must not make this peer forget that the item is its own
    await this.#deps.durable?.()
    if (!signal.aborted) this.#pinned(key, pin, run)
  }

  #pinned (key: string, pin: Pin, { isAskedAgain }: Run): void {
    this.counts.pinsDone++
    this.#apply(key, 'done')
    this.onPinned?.(key)
    if (isAskedAgain) this.#pinAgainIfChanged(key, pin)
  }

  /**
   * A direct pin is refused where the root is recursive already (left by a quick unpin and pin, or somebody else's): that holds more than
   * is asked.
   */
  async #pinOrHold (pin: Pin, run: Run, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.ipfs.pin(pin, {
        signal,
        onWhole: () => this.#pinSemaphore.whole(keyOf(pin.cid)),
        onFetched: (bytes, ended) => this.#fetched(run, bytes, ended)
      })
    } catch (err) {
      if (pin.maxDepth !== 0 || !isClusterError(err, 'PIN_REFUSED')) throw err
      this.#deps.log.debug('a direct pin is held recursively', { cid: String(pin.cid) })
    }
  }

  /** Keeps the byte rate of its queue also within a pin. */
  #fetched (run: Run, bytes: number, signal: AbortSignal): Promise<void> | undefined {
    run.fetchedBytes += bytes
    const ms = run.queue == null ? 0 : this.#deps.table.queues.fetched(run.queue, bytes)
    return ms < leastPauseMs ? undefined : this.#deps.clock.sleep(ms, signal)
  }

  /** A pin whose mode was changed while it ran was left alone (the same kind of operation was under way): it needs another run. */
  #pinAgainIfChanged (key: string, before: Pin): void {
    const pin = this.#deps.state.get(before.cid)
    if (pin != null && pin.maxDepth !== before.maxDepth && desiredState(pin, this.#init.self) === 'pin') this.request(key, 'pin', pin)
  }

  async #unpin (key: string, signal: AbortSignal): Promise<void> {
    const cid = cidOfKey(key)
    const desired = desiredState(this.#deps.state.get(cid), this.#init.self)
    if (desired !== 'unpin' && desired !== 'remote') return this.#giveUp(key, cid)
    await this.#deps.ipfs.unpin(cid, { signal })
    if (signal.aborted) return
    this.#apply(key, 'done')
    this.#unpinned(key, desired === 'remote')
  }

  #unpinned (key: string, isRemote: boolean): void {
    this.counts.unpinsDone++
    this.onUnpinned?.(key, isRemote)
  }

  /** The pinset has moved on; the change's own event is under way or was handled. */
  #giveUp (key: string, cid: CID): void {
    this.#deps.log.debug('an operation is cancelled: the pinset has changed', { cid: String(cid) })
    this.#apply(key, 'drop')
  }

  #apply (key: string, event: 'done' | 'drop'): void {
    this.#deps.table.apply(key, event, { now: this.#deps.clock.now() })
  }
}

function cancel (run: Run, reason: ClusterError): void {
  run.isCancelled = true
  run.controller?.abort(reason)
}

/** Whether the node still finds or fetches blocks: undefined when it doesn't tell. */
function progressOf (ipfs: Pick<IpfsConnector, 'progress'>, key: string): number | undefined {
  const progress = ipfs.progress(cidOfKey(key))
  return progress == null ? undefined : progress.blocks + progress.fetchedBytes
}
