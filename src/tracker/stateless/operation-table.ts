import type { Clock } from '../../base/clock.ts'
import { latin1 } from '../../base/text/latin1.ts'
import { cidOfOwnBytes } from '../../model/cid.ts'
import type { CID } from '../../model/cid.ts'
import type { QueueRules } from '../../model/queue-rules.ts'
import { defaultQueue } from '../../model/queue-rules.ts'
import type { KeptState, OperationEvent, Transition } from './operation-states.ts'
import { keptStates, stateFacts, transition } from './operation-states.ts'
import { Operation, OperationList } from './operation.ts'
import { FairScheduler } from './fair-scheduler.ts'

export type { Operation } from './operation.ts'

/** A CID as a map key: its bytes, one character each. Half the memory of the printed form and quicker to make. */
export const keyOf = (cid: CID): string => latin1(cid.bytes)

/** The CID of a key that `keyOf` made: its bytes, one character each. */
export const cidOfKey = (key: string): CID => cidOfOwnBytes(new Uint8Array(Buffer.from(key, 'latin1')))

/** Operations in a state; those of pins that wait in two kinds. */
export type ListName = KeptState | 'priority_pin_queued'

/** What an event brings along. `now`: Unix milliseconds. */
export interface EventFacts {
  now: number
  /** For `fail` and `full`. */
  error?: string
  refused?: boolean
  tooLarge?: boolean
  /** For `pin`. */
  priority?: boolean
  /** For `pin`: the name of the queue. Default: the default one. */
  queue?: string
}

type ListedState = Exclude<KeptState, 'pin_queued'>

/** All operations, by CID and by state. The lists of waiting operations are the queues. */
export class OperationTable {
  /** Pins that wait. */
  readonly queues: FairScheduler
  readonly #byKey = new Map<string, Operation>()
  readonly #lists = Object.fromEntries(keptStates.map(name => [name, new OperationList()])) as Record<ListedState, OperationList>

  constructor (rules: QueueRules, clock: Pick<Clock, 'elapsed'>) { this.queues = new FairScheduler(rules, clock) }

  get (key: string): Operation | undefined { return this.#byKey.get(key) }
  get isEmpty (): boolean { return this.#byKey.size === 0 }

  count (name: ListName): number {
    if (name === 'priority_pin_queued') return this.queues.count(true)
    return name === 'pin_queued' ? this.queues.count(false) : this.#lists[name].length
  }

  /** Applies the event; undefined when nothing changes. An operation that becomes idle is forgotten. */
  apply (key: string, event: OperationEvent, facts: EventFacts): Transition | undefined {
    const operation = this.#byKey.get(key) ?? new Operation(key)
    const change = transition(operation.state, event)
    if (change == null) return undefined
    this.#listOf(operation)?.remove(operation)
    alter(operation, change, facts)
    if (event === 'pin') operation.queue = this.queues.of(facts.queue ?? defaultQueue)
    this.#enter(operation)
    return change
  }

  /** A pin that waits goes to the end of another queue; false when it is there already, or doesn't wait. */
  moveTo (key: string, name: string): boolean {
    const operation = this.#byKey.get(key)
    const queue = this.queues.of(name)
    if (operation?.state !== 'pin_queued' || operation.queue === queue) return false
    this.#listOf(operation)?.remove(operation)
    operation.queue = queue
    this.queues.push(operation)
    return true
  }

  #enter (operation: Operation): void {
    if (operation.state === 'idle') return void this.#byKey.delete(operation.key)
    this.#byKey.set(operation.key, operation)
    if (operation.state === 'pin_queued') this.queues.push(operation)
    else this.#lists[operation.state].push(operation)
  }

  /** Puts back a failed unpin of an earlier run. */
  restore (key: string, failed: { state: 'unpin_error' | 'clean_error', attempts: number, since: number, error: string }): void {
    if (this.#byKey.has(key)) return
    const operation = Object.assign(new Operation(key), failed)
    this.#byKey.set(key, operation)
    this.#listOf(operation)?.push(operation)
  }

  /** The operation that has waited longest and is acceptable. */
  first (state: ListedState, accept: (operation: Operation) => boolean): Operation | undefined { return this.#lists[state].find(accept) }

  /** How many operations of this state are before this one, which is in it. */
  before (state: ListedState, operation: Operation): number { return this.#lists[state].before(operation) }

  /** The operations of some states as they are now. */
  inStates (states: readonly KeptState[]): Operation[] {
    return states.flatMap(state => state === 'pin_queued' ? this.#waitingPins() : [...this.#lists[state]])
  }

  #waitingPins (): Operation[] {
    const queues = [...this.queues.all]
    return [...queues.flatMap(({ priority }) => [...priority]), ...queues.flatMap(({ normal }) => [...normal])]
  }

  #listOf ({ state, priority, queue }: Operation): OperationList | undefined {
    if (state === 'idle') return undefined
    return state === 'pin_queued' ? queue?.listOf(priority) : this.#lists[state]
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
