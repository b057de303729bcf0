import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OperationEvent, OperationState } from '../../../../src/tracker/stateless/operation-states.ts'
import { keptStates, stateFacts, transition, transitions } from '../../../../src/tracker/stateless/operation-states.ts'

const states = Object.keys(transitions) as OperationState[]
const events = Object.keys(transitions.idle) as OperationEvent[]
const wants = { pin: 'pin', unpin: 'unpin', remote: 'remote' } as const
const runs = ['pinning', 'unpinning', 'cleaning'] as const

/** Every pair of state and event as one readable line. */
const table = states.map(state => `${state}: ${events.map(event => {
  const change = transition(state, event)
  return change == null ? '-' : `${change.next}${change.attempts === 'reset' ? ' 0' : change.attempts === 'count' ? ' +1' : ''}${change.cancel ? ' !' : ''}`
}).join(' | ')}`)

describe('operation states', () => {
  it('are complete: each state has an answer to each event', () => {
    for (const state of states) assert.deepEqual(Object.keys(transitions[state]).toSorted(), events.toSorted(), state)
    assert.deepEqual(keptStates.toSorted(), states.filter(state => state !== 'idle').toSorted())
  })

  it('change as written down: next state, attempts (0 reset, +1 counted), ! cancels the run', () => {
    assert.deepEqual([`events: ${events.join(' | ')}`, ...table], [
      'events: pin | unpin | remote | start | done | fail | full | drop',
      'idle: pin_queued 0 | unpin_queued 0 | clean_queued 0 | - | - | - | - | -',
      'pin_queued: - | unpin_queued 0 | clean_queued 0 | pinning +1 | - | - | pin_error | idle',
      'pinning: - | unpin_queued 0 ! | clean_queued 0 ! | - | idle | pin_error | - | idle !',
      'pin_error: pin_queued | unpin_queued 0 | clean_queued 0 | - | - | - | - | idle',
      'unpin_queued: pin_queued 0 | - | clean_queued 0 | unpinning +1 | - | - | unpin_error | idle',
      'unpinning: pin_queued 0 ! | - | clean_queued 0 ! | - | idle | unpin_error | - | idle !',
      'unpin_error: pin_queued 0 | unpin_queued | clean_queued 0 | - | - | - | - | idle',
      'clean_queued: pin_queued 0 | unpin_queued 0 | - | cleaning +1 | - | - | clean_error | idle',
      'cleaning: pin_queued 0 ! | unpin_queued 0 ! | - | - | idle | clean_error | - | idle !',
      'clean_error: pin_queued 0 | unpin_queued 0 | clean_queued | - | - | - | - | idle'
    ])
  })

  it('lead to what was asked for last, from anywhere', () => {
    for (const state of states) {
      for (const [event, type] of Object.entries(wants)) {
        const next = transition(state, event as OperationEvent)?.next ?? state

        assert.equal(next === 'idle' ? undefined : stateFacts[next].type, type, `${state} × ${event}`)
      }
    }
  })

  it('cancel a run whenever they are left for something else than its end', () => {
    for (const state of states) {
      for (const event of events) {
        const change = transition(state, event)
        const leavesRun = runs.includes(state as never) && change != null && event !== 'done' && event !== 'fail'

        assert.equal(change?.cancel ?? false, leavesRun, `${state} × ${event}`)
      }
    }
  })

  it('carry attempts over only to the same kind of operation', () => {
    for (const state of states) {
      for (const event of events) {
        const change = transition(state, event)
        if (change == null || change.next === 'idle' || change.attempts != null) continue

        assert.equal(state === 'idle' ? undefined : stateFacts[state].type, stateFacts[change.next].type, `${state} × ${event}`)
      }
    }
  })
})
