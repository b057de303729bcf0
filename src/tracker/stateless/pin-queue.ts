import { Pace } from '../../model/pace.ts'
import type { QueueShare } from '../../model/queue-rules.ts'
import type { QueueTurn } from '../tracker.ts'
import type { OperationState } from './operation-states.ts'

/** What is kept of one CID: no pin, no options; they are read from the pinset when needed. Tens of thousands may wait. */
export class Operation {
  readonly key: string
  state: OperationState = 'idle'
  attempts = 0
  priority = false
  /** Of a pin: where it waits, and whose share it uses. */
  queue: PinQueue | undefined = undefined
  /** When it came into its state; Unix milliseconds. */
  since = 0
  error = ''
  /**
   * An unpin that the node refused by configuration: not tried again by itself, nor after a restart. A pin that is denied: not tried again
   * while it is.
   */
  refused = false
  /** A pin whose content is larger than it may be: not tried again by itself. */
  tooLarge = false
  next: Operation | undefined = undefined
  previous: Operation | undefined = undefined

  constructor (key: string) { this.key = key }
}

/** First in, first out; taking one out of the middle is as quick as from the front. The links are in the operations. */
export class OperationList {
  first: Operation | undefined
  last: Operation | undefined
  length = 0

  push (operation: Operation): void {
    operation.previous = this.last
    operation.next = undefined
    if (this.last == null) this.first = operation
    else this.last.next = operation
    this.last = operation
    this.length++
  }

  remove (operation: Operation): void {
    if (operation.previous == null) this.first = operation.next
    else operation.previous.next = operation.next
    if (operation.next == null) this.last = operation.previous
    else operation.next.previous = operation.previous
    operation.next = operation.previous = undefined
    this.length--
  }

  /** The one that came first and is acceptable. */
  find (accept: (operation: Operation) => boolean): Operation | undefined {
    let operation = this.first
    while (operation != null && !accept(operation)) operation = operation.next
    return operation
  }

  /** How many came before this one, which is in the list. */
  before (operation: Operation): number {
    let count = 0
    for (let one = this.first; one != null && one !== operation; one = one.next) count++
    return count
  }

  * [Symbol.iterator] (): Generator<Operation> {
    for (let one = this.first; one != null; one = one.next) yield one
  }
}

/** Pins of one name that wait: young ones first (see `OperationRunner`), each kind first in, first out. */
export class PinQueue {
  readonly name: string
  readonly share: QueueShare
  readonly young = new OperationList()
  readonly others = new OperationList()
  readonly pace: Pace
  /** Pins that have a turn. */
  running = 0
  /** Since when nothing of it has one, though pins wait. */
  idleSince = 0
  /** What it has used, in bytes, divided by its weight. Who has used least comes next. */
  used: number

  constructor (name: string, share: QueueShare, used: number) {
    this.name = name
    this.share = share
    this.used = used
    this.pace = new Pace(share)
  }

  get length (): number { return this.young.length + this.others.length }

  listOf (priority: boolean): OperationList { return priority ? this.young : this.others }

  first (accept: (operation: Operation) => boolean): Operation | undefined { return this.young.find(accept) ?? this.others.find(accept) }

  /** How many of this queue are before the operation, which waits in it. */
  before (operation: Operation): number {
    return operation.priority ? this.young.before(operation) : this.young.length + this.others.before(operation)
  }

  /** Why nothing of it begins now. */
  limit (now: number): QueueTurn['limit'] {
    if (this.share.maxAtOnce > 0 && this.running >= this.share.maxAtOnce) return 'at once'
    return this.pace.waitMs(now) > 0 ? 'rate' : undefined
  }

  charge (bytes: number): void { this.used += bytes / this.share.weight }
}
