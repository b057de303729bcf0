import { CID } from '../../model/cid.ts'
import type { KeptState, OperationEvent, OperationState, Transition } from './operation-states.ts'
import { keptStates, stateFacts, transition } from './operation-states.ts'

/** A CID as a map key: its bytes, one character each. Half the memory of the printed form and quicker to make. */
export const keyOf = (cid: CID): string => Buffer.from(cid.bytes.buffer, cid.bytes.byteOffset, cid.bytes.byteLength).toString('latin1')

/** The CID of a key that `keyOf` made: its bytes, one character each. */
export const cidOfKey = (key: string): CID => CID.decode(Uint8Array.from(key, character => character.charCodeAt(0)))

/** What is kept of one CID: no pin, no options; they are read from the pinset when needed. Tens of thousands may wait. */
export class Operation {
  readonly key: string
  state: OperationState = 'idle'
  attempts = 0
  priority = false
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
class OperationList {
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
}

/** One list for each state, two for pins that wait. */
export type ListName = KeptState | 'priority_pin_queued'

export interface EventFacts {
  now: number
  /** For `fail` and `full`. */
  error?: string
  refused?: boolean
  tooLarge?: boolean
  /** For `pin`. */
  priority?: boolean
}

/** All operations, by CID and by state. The lists of waiting operations are the queues. */
export class OperationTable {
  readonly #byKey = new Map<string, Operation>()
  readonly #lists = Object.fromEntries(
    [...keptStates, 'priority_pin_queued' as const].map(name => [name, new OperationList()])
  ) as Record<ListName, OperationList>

  get (key: string): Operation | undefined { return this.#byKey.get(key) }

  count (name: ListName): number { return this.#lists[name].length }

  /** Applies the event; undefined when nothing changes. An operation that becomes idle is forgotten. */
  apply (key: string, event: OperationEvent, facts: EventFacts): Transition | undefined {
    const operation = this.#byKey.get(key) ?? new Operation(key)
    const change = transition(operation.state, event)
    if (change == null) return undefined
    this.#listOf(operation)?.remove(operation)
    alter(operation, change, facts)
    const list = this.#listOf(operation)
    list?.push(operation)
    if (list == null) this.#byKey.delete(key)
    else this.#byKey.set(key, operation)
    return change
  }

  /** Puts back a failed unpin of an earlier run. */
  restore (key: string, failed: { state: 'unpin_error' | 'clean_error', attempts: number, since: number, error: string }): void {
    if (this.#byKey.has(key)) return
    const operation = Object.assign(new Operation(key), failed)
    this.#byKey.set(key, operation)
    this.#listOf(operation)?.push(operation)
  }

  /** The operation that has waited longest and is acceptable. */
  first (name: ListName, accept: (operation: Operation) => boolean): Operation | undefined {
    let operation = this.#lists[name].first
    while (operation != null && !accept(operation)) operation = operation.next
    return operation
  }

  /** How many operations of this list are before this one, which is in it. */
  before (name: ListName, operation: Operation): number {
    let count = 0
    for (let one = this.#lists[name].first; one != null && one !== operation; one = one.next) count++
    return count
  }

  /** The operations of some states as they are now. */
  inStates (states: readonly KeptState[]): Operation[] {
    const names: ListName[] = states.includes('pin_queued') ? ['priority_pin_queued', ...states] : [...states]
    const found: Operation[] = []
    for (const name of names) {
      for (let operation = this.#lists[name].first; operation != null; operation = operation.next) found.push(operation)
    }
    return found
  }

  #listOf ({ state, priority }: Operation): OperationList | undefined {
    if (state === 'idle') return undefined
    return this.#lists[state === 'pin_queued' && priority ? 'priority_pin_queued' : state]
  }
}

function alter (operation: Operation, change: Transition, facts: EventFacts): void {
  operation.state = change.next
  operation.since = facts.now
  operation.error = facts.error ?? ''
  operation.refused = facts.refused ?? false
  operation.tooLarge = facts.tooLarge ?? false
  operation.priority = facts.priority ?? (operation.priority && change.next !== 'idle' && stateFacts[change.next].type === 'pin')
  if (change.attempts === 'reset') operation.attempts = 0
  if (change.attempts === 'count') operation.attempts++
}
