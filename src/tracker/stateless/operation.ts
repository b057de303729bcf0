import type { OperationState } from './operation-states.ts'
import type { PinQueue } from './pin-queue.ts'

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
