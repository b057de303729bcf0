import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countsForQuota, nextFileState, ownsPin } from '../../../../src/service/files/file-state.ts'
import type { FileEvent } from '../../../../src/service/files/file-state.ts'
import { fileStates } from '../../../../src/service/sql/tables.ts'

const path = (...events: FileEvent[]): string[] => {
  let state: typeof fileStates[number] = 'staged'
  return events.map(event => { state = nextFileState(state, event); return state })
}

describe('states of a file', () => {
  it('goes from staging to pinned on first access', () => {
    assert.deepEqual(path('want-staged', 'imported', 'cluster-pinning', 'cluster-pinned'), ['importing', 'pinning', 'pinning', 'pinned'])
  })

  it('is unpinned, and pinned again from the network', () => {
    assert.deepEqual(
      path('want-staged', 'imported', 'cluster-pinned', 'unpin', 'want', 'cluster-pinned'),
      ['importing', 'pinning', 'pinned', 'unpinned', 'pinning', 'pinned']
    )
  })

  it('keeps bytes that are only staged when it is no longer wanted', () => {
    assert.deepEqual(
      [path('want-staged', 'unpin-staged'), path('want-staged', 'imported', 'unpin-staged')],
      [['importing', 'staged'], ['importing', 'pinning', 'staged']]
    )
  })

  it('comes back by itself after a failure of the cluster', () => {
    assert.deepEqual(path('want', 'cluster-failed', 'cluster-pinning', 'cluster-pinned'), ['pinning', 'failed', 'pinning', 'pinned'])
  })

  it('waits with its bytes while the cluster fails', () => {
    assert.deepEqual(
      path('want-staged', 'imported', 'cluster-failed-staged', 'cluster-pinned'), ['importing', 'pinning', 'pinning', 'pinned']
    )
  })

  it('is imported again when its owner says so after a failed import', () => {
    assert.deepEqual(
      path('want-staged', 'import-failed', 'cluster-failed-staged', 'want-staged'), ['importing', 'failed', 'failed', 'importing']
    )
  })

  it('hears nothing of the cluster while it has no part in it', () => {
    const moved = (['staged', 'importing', 'unpinned'] as const).flatMap(state =>
      (
        ['cluster-pinned', 'cluster-pinning', 'cluster-failed', 'cluster-failed-staged', 'over-quota'] as const
      ).filter(event => nextFileState(state, event) !== state))

    assert.deepEqual(moved, [])
  })

  it('keeps its pin in the cluster through a failure, but not when there is no room for it', () => {
    assert.deepEqual([
      ownsPin('failed', { owned: true, event: 'cluster-failed' }),
      ownsPin('failed', { owned: true, event: 'over-quota' }),
      ownsPin('failed', { owned: false, event: 'import-failed' }),
      ownsPin('unpinned', { owned: true, event: 'unpin' }),
      ownsPin('pinning', { owned: false, event: 'want' })
    ], [true, false, false, false, true])
  })

  it('counts against the quota while its bytes are kept for somebody', () => {
    const file = (state: typeof fileStates[number], more = {}) => ({
      state, origin: 'upload' as const, staging_key: null, owns_pin: 0, ...more
    })

    assert.deepEqual(fileStates.map(state => countsForQuota(file(state))), [true, true, true, true, false, false])
    assert.deepEqual(
      [countsForQuota(file('failed', { staging_key: 'k' })), countsForQuota(file('pinned', { origin: 'pins' }))], [true, false]
    )
  })
})
