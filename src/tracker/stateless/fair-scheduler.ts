import type { Clock } from '../../base/clock.ts'
import type { QueueRules } from '../../model/queue-rules.ts'
import { otherQueues, usualShare } from '../../model/queue-rules.ts'
import type { Operation, OperationList } from './operation.ts'
import { PinQueue } from './pin-queue.ts'

/** More queues than this share one; those that the configuration names always have their own. */
const mostQueues = 256
/** What a turn costs a queue beside the bytes that it brings: many small pins are work, too. */
const turnBytes = 256 * 1024
/** A queue that waited so long without any turn need not wait for the pins of others. */
const longIdleMs = 5000
/** The cost of a pin is told from about so many of the latest. */
const costSamples = 16

/**
 * The pins that wait, in queues that take turns in proportion to their weights (start-time fair queueing: the queue that has used least,
 * by its weight, comes next; who comes back from idling has saved nothing). One queue alone is what Go has.
 */
export class FairScheduler {
  readonly #rules: QueueRules
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #queues = new Map<string, PinQueue>()
  /** What the queue had used that was served last. */
  #served = 0
  /** Of a pin, with what it fetched. */
  #costBytes = turnBytes

  constructor (rules: QueueRules, clock: Pick<Clock, 'elapsed'>) {
    this.#rules = rules
    this.#clock = clock
  }

  /** All that there are: with pins that wait or run, or that ran of late. */
  get all (): Iterable<PinQueue> { return this.#queues.values() }

  /** The queue of that name. */
  of (name: string): PinQueue {
    const found = this.#queues.get(name)
    if (found != null) return found
    const share = this.#rules.shares.get(name)
    if (share == null && this.#queues.size >= mostQueues) this.#forgetIdle()
    // the shared one itself is one more
    if (share == null && this.#queues.size >= mostQueues && name !== otherQueues) return this.of(otherQueues)
    const queue = new PinQueue(name, share ?? this.#rules.shares.get(otherQueues) ?? usualShare, this.#served)
    this.#queues.set(name, queue)
    return queue
  }

  push (operation: Operation): void {
    const { queue } = operation
    if (queue == null) return
    if (queue.length === 0 && queue.running === 0) {
      queue.used = Math.max(queue.used, this.#served)
      queue.idleSince = this.#clock.elapsed()
    }
    queue.listOf(operation.priority).push(operation)
  }

  count (priority: boolean): number {
    let count = 0
    for (const queue of this.#queues.values()) count += queue.listOf(priority).length
    return count
  }

  /** The list with most pins of that kind, by the weights of their queues; this queue's own if none has more. */
  longest (own: PinQueue, priority: boolean): OperationList {
    const lengthOf = (queue: PinQueue): number => queue.listOf(priority).length / queue.share.weight
    let longest = own
    for (const queue of this.#queues.values()) if (lengthOf(queue) > lengthOf(longest)) longest = queue
    return longest.listOf(priority)
  }

  /** Whose turn it is. `onlyIdle`: only of queues that have had none for long. */
  next (accept: (operation: Operation) => boolean, { onlyIdle = false }: { onlyIdle?: boolean } = {}): Operation | undefined {
    const now = this.#clock.elapsed()
    const isIdle = ({ running, idleSince }: PinQueue): boolean => running === 0 && now - idleSince >= longIdleMs
    let best: PinQueue | undefined
    let operation: Operation | undefined
    for (const queue of this.#queues.values()) {
      if (queue.length === 0 || (onlyIdle && !isIdle(queue)) || (best != null && queue.used >= best.used)) continue
      const first = queue.limit(now) == null ? queue.first(accept) : undefined
      if (first == null) continue
      best = queue
      operation = first
    }
    return operation
  }

  /** The pin has its turn. */
  began (queue: PinQueue): void {
    this.#served = Math.max(this.#served, queue.used)
    queue.running++
    queue.pace.began(this.#clock.elapsed())
    queue.charge(turnBytes)
  }

  /** The pin has given its turn to others, or is over. */
  turnEnded (queue: PinQueue): void {
    queue.running--
    queue.idleSince = this.#clock.elapsed()
  }

  /** Bytes came for a pin of this queue; gives how long it has to pause for them. Milliseconds. */
  fetched (queue: PinQueue, bytes: number): number {
    const now = this.#clock.elapsed()
    queue.charge(bytes)
    queue.pace.arrived(bytes, now)
    return queue.pace.debtMs(now)
  }

  /** A pin is over that has fetched so much. */
  ended (fetchedBytes: number): void { this.#costBytes += (turnBytes + fetchedBytes - this.#costBytes) / costSamples }

  /** When a queue that waits for its rate may go on; undefined when none does. Milliseconds. */
  nextTurnMs (): number | undefined {
    const now = this.#clock.elapsed()
    let next: number | undefined
    for (const queue of this.#queues.values()) {
      if (queue.length > 0 && queue.limit(now) === 'rate') next = Math.min(next ?? Infinity, queue.pace.waitMs(now))
    }
    return next
  }

  /**
   * The place of a pin that waits, 1 for the next: how many of its own queue are before it, and how many of the others by their weights, as
   * if all cost the same. Exact while there is one queue.
   */
  placeOf (operation: Operation, queue: PinQueue): number {
    const own = queue.before(operation) + 1
    const from = queue.used + (own - 1) * this.#costBytes / queue.share.weight
    let place = own
    for (const other of this.#queues.values()) {
      if (other === queue || other.length === 0) continue
      const used = other.running === 0 ? Math.max(other.used, this.#served) : other.used
      place += Math.min(other.length, Math.max(0, Math.ceil((from - used) * other.share.weight / this.#costBytes)))
    }
    return place
  }

  /** How long the rates of its queue keep a pin waiting at least. Milliseconds. */
  rateMs (operation: Operation, queue: PinQueue): number {
    const { maxPinsPerSecond: pins, maxBytesPerSecond: bytes } = queue.share
    if (pins === 0 && bytes === 0) return 0
    const before = queue.before(operation)
    const perPinMs = Math.max(pins === 0 ? 0 : 1000 / pins, bytes === 0 ? 0 : 1000 * (this.#costBytes - turnBytes) / bytes)
    return Math.round(queue.pace.leftMs(this.#clock.elapsed()) + before * perPinMs)
  }

  /** Those without pins, and without a debt that a new one of the same name would not have. */
  #forgetIdle (): void {
    const now = this.#clock.elapsed()
    for (const [name, queue] of this.#queues) {
      if (queue.length === 0 && queue.running === 0 && queue.pace.waitMs(now) === 0) this.#queues.delete(name)
    }
  }
}
