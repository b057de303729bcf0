import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import type { GlobalPinInfo, TrackerStatus } from '../../../src/client/types.ts'
import { isReached, waitForStatus } from '../../../src/client/wait.ts'

const info = (...statuses: TrackerStatus[]): GlobalPinInfo =>
  ({ cid: 'c', name: '', peer_map: Object.fromEntries(statuses.map((status, at) => [`p${at}`, { status }])) }) as unknown as GlobalPinInfo

describe('waiting for a status', () => {
  it('is over when all peers have it; remote ones do not count for pinned', () => {
    assert.equal(isReached(info('pinned', 'remote', 'pinned'), { target: 'pinned', limit: -1 }), true)
    assert.equal(isReached(info('pinned', 'pinning'), { target: 'pinned', limit: 0 }), false)
    assert.equal(isReached(info('unpinned', 'remote'), { target: 'unpinned', limit: 0 }), false)
  })

  it('is over when as many as wanted have it, at most all', () => {
    assert.equal(isReached(info('pinned', 'pinning', 'remote'), { target: 'pinned', limit: 1 }), true)
    assert.equal(isReached(info('pinned', 'pinning'), { target: 'pinned', limit: 2 }), false)
    assert.equal(isReached(info('pinned', 'pinned'), { target: 'pinned', limit: 5 }), true)
  })

  it('fails with any peer that has failed', () => {
    for (const status of ['undefined', 'cluster_error', 'pin_error', 'unpin_error'] as const) {
      assert.throws(() => isReached(info('pinned', status), { target: 'pinned', limit: 1 }), err => isClusterError(err, 'PEER_FAILED'))
    }
  })

  it('looks once a second', async () => {
    const slept: number[] = []
    const answers = [info('pin_queued'), info('pinning'), info('pinned')]
    const seen: GlobalPinInfo[] = []

    const status = await waitForStatus('c', { target: 'pinned', limit: 0, onStatus: one => seen.push(one) }, {
      client: { status: async () => answers[seen.length] ?? info() },
      clock: { sleep: async ms => { slept.push(ms) } }
    })

    assert.deepEqual(slept, [1000, 1000, 1000])
    assert.deepEqual(seen, answers)
    assert.equal(status, answers[2])
  })
})
