import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Listeners } from '../../../src/base/listeners.ts'
import type { TrackerStatus } from '../../../src/model/status.ts'
import { publishAfterPins } from '../../../src/node/compose/compose-metrics.ts'
import type { OperationChange } from '../../../src/tracker/tracker.ts'
import { aCid } from '../../support/cluster/values.ts'

function publishedAfter (every: number, statuses: readonly TrackerStatus[]): number[] {
  const operations = new Listeners<OperationChange>()
  let published = 0
  publishAfterPins({ every }, {
    tracker: { onOperation: listener => operations.add(listener) }, publisher: { publishSoon: () => { published++ } }
  })
  return statuses.map(status => {
    operations.emit({ cid: () => aCid('a'), status, error: '', attempts: 0 })
    return published
  })
}

describe('metrics that are published by the number of pins', () => {
  it('come after so many pins and unpins that succeeded', () => {
    const counts = publishedAfter(
      3, ['pin_queued', 'pinning', 'pinned', 'unpinned', 'pin_error', 'remote', 'pinned', 'unpin_error', 'unpinned', 'unpinned']
    )

    assert.deepEqual(counts, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2])
  })

  it('never come so when that is off', () => {
    assert.deepEqual(publishedAfter(0, ['pinned', 'pinned']), [0, 0])
  })
})
