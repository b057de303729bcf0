import type { TrackerStatus } from '../../model/status.ts'
import type { OperationProgress } from '../tracker.ts'

/**
 * What this peer is doing about a CID. `idle`: nothing, the operation isn't kept. `clean…` is the unpinning of what another peer holds:
 * the world sees `remote`.
 */
export type OperationState =
  'idle' |
  'pin_queued' | 'pinning' | 'pin_error' |
  'unpin_queued' | 'unpinning' | 'unpin_error' |
  'clean_queued' | 'cleaning' | 'clean_error'

/**
 * `pin`, `unpin`, `remote` (others hold it): the pinset asks for it (or a recover does so again). `start`: a worker takes it. `done`,
 * `fail`: the worker's result. `full`: there was no room in the queue. `drop`: the pinset says that there is nothing to do any more.
 */
export type OperationEvent = 'pin' | 'unpin' | 'remote' | 'start' | 'done' | 'fail' | 'full' | 'drop'

/** A cell of the table: what an event does to an operation. */
export interface Transition {
  next: OperationState
  /** What becomes of the number of attempts; undefined: it stays. */
  attempts?: 'reset' | 'count'
  /** Abort the run that is under way. */
  cancel?: true
}

/** Nothing changes: the same kind already waits or runs, or the event can't happen here. */
const stay = 'stay'

const pinAfresh: Transition = { next: 'pin_queued', attempts: 'reset' }
const unpinAfresh: Transition = { next: 'unpin_queued', attempts: 'reset' }
const cleanAfresh: Transition = { next: 'clean_queued', attempts: 'reset' }
const idle: Transition = { next: 'idle' }
const cancelled = (transition: Transition): Transition => ({ ...transition, cancel: true })

/** The rules of Go's pintracker/optracker as data. Attempts carry over only to an operation of the same kind. */
export const transitions: Record<OperationState, Record<OperationEvent, Transition | typeof stay>> = {
  idle: { pin: pinAfresh, unpin: unpinAfresh, remote: cleanAfresh, start: stay, done: stay, fail: stay, full: stay, drop: stay },

  pin_queued: {
    pin: stay, unpin: unpinAfresh, remote: cleanAfresh, start: { next: 'pinning', attempts: 'count' }, done: stay, fail: stay,
    full: { next: 'pin_error' }, drop: idle
  },
  pinning: {
    pin: stay, unpin: cancelled(unpinAfresh), remote: cancelled(cleanAfresh), start: stay, done: idle, fail: { next: 'pin_error' },
    full: stay, drop: cancelled(idle)
  },
  pin_error: {
    pin: { next: 'pin_queued' }, unpin: unpinAfresh, remote: cleanAfresh, start: stay, done: stay, fail: stay, full: stay, drop: idle
  },

  unpin_queued: {
    pin: pinAfresh, unpin: stay, remote: cleanAfresh, start: { next: 'unpinning', attempts: 'count' }, done: stay, fail: stay,
    full: { next: 'unpin_error' }, drop: idle
  },
  unpinning: {
    pin: cancelled(pinAfresh), unpin: stay, remote: cancelled(cleanAfresh), start: stay, done: idle, fail: { next: 'unpin_error' },
    full: stay, drop: cancelled(idle)
  },
  unpin_error: {
    pin: pinAfresh, unpin: { next: 'unpin_queued' }, remote: cleanAfresh, start: stay, done: stay, fail: stay, full: stay, drop: idle
  },

  clean_queued: {
    pin: pinAfresh, unpin: unpinAfresh, remote: stay, start: { next: 'cleaning', attempts: 'count' }, done: stay, fail: stay,
    full: { next: 'clean_error' }, drop: idle
  },
  cleaning: {
    pin: cancelled(pinAfresh), unpin: cancelled(unpinAfresh), remote: stay, start: stay, done: idle, fail: { next: 'clean_error' },
    full: stay, drop: cancelled(idle)
  },
  clean_error: {
    pin: pinAfresh, unpin: unpinAfresh, remote: { next: 'clean_queued' }, start: stay, done: stay, fail: stay, full: stay, drop: idle
  }
}

/** What the event does to an operation; undefined when it does nothing. */
export function transition (state: OperationState, event: OperationEvent): Transition | undefined {
  const found = transitions[state][event]
  return found === stay ? undefined : found
}

/** States of operations that are in the table; an idle one is forgotten. */
export type KeptState = Exclude<OperationState, 'idle'>

interface StateFacts { status: TrackerStatus, type: OperationProgress['type'], phase: OperationProgress['phase'] }

/** How the world sees each state. */
export const stateFacts: Record<KeptState, StateFacts> = {
  pin_queued: { status: 'pin_queued', type: 'pin', phase: 'queued' },
  pinning: { status: 'pinning', type: 'pin', phase: 'in_progress' },
  pin_error: { status: 'pin_error', type: 'pin', phase: 'error' },
  unpin_queued: { status: 'unpin_queued', type: 'unpin', phase: 'queued' },
  unpinning: { status: 'unpinning', type: 'unpin', phase: 'in_progress' },
  unpin_error: { status: 'unpin_error', type: 'unpin', phase: 'error' },
  clean_queued: { status: 'remote', type: 'remote', phase: 'queued' },
  cleaning: { status: 'remote', type: 'remote', phase: 'in_progress' },
  clean_error: { status: 'remote', type: 'remote', phase: 'error' }
}

/** For counting by state. */
export const keptStates = Object.keys(stateFacts) as KeptState[]
