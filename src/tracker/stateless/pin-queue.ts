import { Pace } from '../../model/pace.ts'
import type { QueueShare } from '../../model/queue-rules.ts'
import type { QueueTurn } from '../tracker.ts'
import { OperationList } from './operation.ts'
import type { Operation } from './operation.ts'

/** Pins of one name that wait: those with priority first (see `OperationRunner`), each kind first in, first out. */
export class PinQueue {
  readonly name: string
  readonly share: QueueShare
  readonly priority = new OperationList()
  readonly normal = new OperationList()
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

  get length (): number { return this.priority.length + this.normal.length }

  listOf (priority: boolean): OperationList { return priority ? this.priority : this.normal }

  first (accept: (operation: Operation) => boolean): Operation | undefined { return this.priority.find(accept) ?? this.normal.find(accept) }

  /** How many of this queue are before the operation, which waits in it. */
  before (operation: Operation): number {
    return operation.priority ? this.priority.before(operation) : this.priority.length + this.normal.before(operation)
  }

  /** Why nothing of it begins now. */
  limit (now: number): QueueTurn['limit'] {
    if (this.share.maxAtOnce > 0 && this.running >= this.share.maxAtOnce) return 'at once'
    return this.pace.waitMs(now) > 0 ? 'rate' : undefined
  }

  charge (bytes: number): void { this.used += bytes / this.share.weight }
}
