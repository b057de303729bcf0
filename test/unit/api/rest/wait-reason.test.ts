import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { waitReason } from '../../../../src/api/rest/wait-reason.ts'
import type { PinProgress } from '../../../../src/ipfs/ipfs.ts'
import type { OperationProgress } from '../../../../src/tracker/tracker.ts'
import { cidFor } from '../../../support/pins.ts'

const now = Date.UTC(2026, 10, 29, 2, 30)
const wanted = cidFor('wanted')
const running: OperationProgress = {
  type: 'pin', phase: 'in_progress', since: now - 200_000, attempts: 1, error: '', queueLength: 0, nextTryAt: null
}
const node: PinProgress = {
  phase: 'fetching', blocks: 3, bytes: 300, fetchedBlocks: 0, fetchedBytes: 0, wantedBlock: wanted, wantedSince: now - 130_000,
  peersAsked: ['a', 'b'], nextTryAt: now + 20_500, startedAt: now - 200_000
}
const next = 'next try at 2026-11-29T02:30:20Z'

describe('why a pin waits', () => {
  const cases: Array<[string, Partial<Parameters<typeof waitReason>[0]>, string]> = [
    ['nothing is under way', {}, ''],
    ['the peer does not answer', { error: 'failed to dial' }, 'the peer does not say: failed to dial'],
    [
      'nobody has the block', { operation: running, ipfs: { ...node, phase: 'no_providers' } },
      `no peer has block ${wanted}: 2 asked, for 2 min, ${next}`
    ],
    [
      'nobody is connected', { operation: running, ipfs: { ...node, phase: 'no_peers', peersAsked: [] } },
      `no other IPFS node is connected that could have block ${wanted}, for 2 min, ${next}`
    ],
    ['the block may still come', { operation: running, ipfs: node }, `waits for block ${wanted}: 2 asked, for 2 min, ${next}`],
    ['blocks come', { operation: running, ipfs: { ...node, wantedBlock: null, wantedSince: null } }, '3 blocks are here, for 3 min'],
    ['it is stored', { operation: running, ipfs: { ...node, phase: 'storing' } }, 'all of it is here and is being stored'],
    [
      'it has its turn later', { operation: { ...running, phase: 'queued', queueLength: 5, since: now - 7_500_000 } },
      'its turn has not come: 5 wait in the same queue, for 2 h 5 min'
    ],
    [
      'it has a place in the queue',
      { operation: { ...running, phase: 'queued', queueLength: 5, turn: { place: 34, inMs: 185_000 }, since: now - 60_000 } },
      'its turn has not come: 33 are before it, about 3 min more, for 60 s'
    ],
    [
      'it is the next one',
      { operation: { ...running, phase: 'queued', queueLength: 5, turn: { place: 1, inMs: null }, since: now - 1000 } },
      'its turn has not come: it is the next one, for 1 s'
    ],
    [
      'it waits in a queue of some name',
      {
        operation: {
          ...running, phase: 'queued', queueLength: 5, since: now - 60_000,
          turn: { place: 34, inMs: 185_000, queue: 'archive', limit: 'rate' }
        }
      },
      'its turn has not come: 33 are before it (queue "archive", at its rate), about 3 min more, for 60 s'
    ],
    [
      'the default queue runs as many as it may',
      { operation: { ...running, phase: 'queued', queueLength: 5, turn: { place: 1, inMs: null, limit: 'at once' }, since: now - 1000 } },
      'its turn has not come: it is the next one, running as many as it may, for 1 s'
    ],
    [
      'it was set aside', { operation: { ...running, phase: 'queued', error: 'the peer ended once while it pinned this' } },
      'the peer ended once while it pinned this'
    ],
    [
      'it ran out of time',
      {
        operation: { ...running, phase: 'error', error: 'context canceled', since: now - 10_000, nextTryAt: now + 20_500 },
        ipfs: { ...node, phase: 'no_providers' }
      },
      `no peer has block ${wanted}: 2 asked, for 2 min, ${next}`
    ],
    [
      'it ran out of time on Kubo', { operation: { ...running, phase: 'error', error: 'context canceled', nextTryAt: now + 20_500 } },
      `nothing came for as long as a pin may wait, ${next}`
    ],
    [
      'it failed otherwise',
      { operation: { ...running, phase: 'error', error: 'the storage is full', nextTryAt: now + 20_500 }, ipfs: node },
      `the storage is full, ${next}`
    ],
    ['it is refused for good', { operation: { ...running, phase: 'error', error: 'denied' } }, 'denied'],
    ['it is unpinned', { operation: { ...running, type: 'unpin', since: now - 5 * 86_400_000 } }, 'it is being unpinned, for 5 days']
  ]
  for (const [when, row, reason] of cases) {
    it(`is told when ${when}`, () => {
      assert.equal(waitReason({ operation: null, ipfs: null, error: '', ...row }, now), reason)
    })
  }
})
