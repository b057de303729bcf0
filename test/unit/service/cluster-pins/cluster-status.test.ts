import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PinInfoShort } from '../../../../src/model/pin-info.ts'
import type { TrackerStatus } from '../../../../src/model/status.ts'
import { progressInfo, clusterStatusOf } from '../../../../src/service/cluster-pins/cluster-status.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import type { PinningStatus } from '../../../../src/model/pinning-service.ts'
import { fakePeer } from '../../../support/fake-cluster.ts'

const since = Date.UTC(2026, 10, 28, 23, 0, 0)

function peers (...statuses: TrackerStatus[]): { peerMap: Map<string, PinInfoShort> } {
  const short = (status: TrackerStatus): PinInfoShort =>
    ({
      peerName: 'peer', ipfsPeerId: '', ipfsPeerAddresses: [], status, timestamp: since,
      error: status.endsWith('error') ? 'context canceled' : '', attemptCount: 0, priorityPin: false
    })
  return { peerMap: new Map(statuses.map((status, at) => [`peer${at}`, short(status)])) }
}

const stateOf = (statuses: TrackerStatus[], before: PinningStatus = 'queued'): PinningStatus =>
  clusterStatusOf(peers(...statuses), before).state

describe('how a pin stands in the cluster', () => {
  it('is pinned when all replicas are there, whoever else need not hold it', () => {
    assert.equal(stateOf(['pinned', 'pinned', 'remote']), 'pinned')
    assert.equal(stateOf(['pinned', 'pin_queued', 'remote']), 'pinning')
    assert.equal(stateOf(['sharded']), 'pinned')
  })

  it('is pinning while anybody fetches or has it, queued while all wait, failed when nobody is at it', () => {
    assert.equal(stateOf(['pinning', 'pin_error']), 'pinning')
    assert.equal(stateOf(['pinned', 'pin_error']), 'pinning')
    assert.equal(stateOf(['pin_queued', 'pin_error']), 'queued')
    assert.equal(stateOf(['pin_error']), 'failed')
    assert.equal(stateOf(['cluster_error', 'pin_error']), 'failed')
    assert.equal(stateOf(['cluster_error']), 'queued')
    assert.equal(stateOf([]), 'queued')
    assert.equal(stateOf(['remote']), 'queued')
  })

  it('stays pinned while a holder only does not answer, and falls back when one has lost it', () => {
    assert.equal(stateOf(['pinned', 'cluster_error'], 'pinned'), 'pinned')
    assert.equal(stateOf(['pinned', 'cluster_error'], 'pinning'), 'pinning')
    assert.equal(stateOf(['pinned', 'unexpectedly_unpinned'], 'pinned'), 'pinning')
    assert.equal(stateOf(['unexpectedly_unpinned'], 'pinned'), 'queued')
  })

  it('tells how many replicas there are, what is waited for, since when, and what went wrong', () => {
    assert.deepEqual(clusterStatusOf(peers('pinned', 'pinned', 'pin_error', 'remote'), 'queued'), {
      state: 'pinning', replicas: 2, wanted: 3,
      info: { replicas: '2 of 3', waiting_for: 'the next try', since: '2026-11-28T23:00:00Z', error: 'context canceled' }
    })
    assert.deepEqual(clusterStatusOf(peers('pinned', 'pinned'), 'queued').info, { replicas: '2 of 2' })
    assert.deepEqual(clusterStatusOf(peers('pinned'), 'queued').info, {})
  })

  it('knows from the peers that can tell which block is waited for and when it is tried again', () => {
    const cid = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
    const operation = {
      type: 'pin' as const, phase: 'in_progress' as const, since, attempts: 1, error: '', queueLength: 1, nextTryAt: null
    }
    const ipfs = {
      phase: 'fetching' as const, blocks: 3, bytes: 700, fetchedBlocks: 2, fetchedBytes: 600, wantedBlock: cid, wantedSince: since + 1000,
      peersAsked: [], nextTryAt: since + 30_000, startedAt: since
    }

    assert.deepEqual(progressInfo(
      [
        { peer: 'other', peerName: '', operation: null, ipfs: null, error: '' },
        { peer: fakePeer, peerName: '', operation, ipfs, error: '' }
      ]
    ),
    {
      waiting_for: `block ${cid}`, since: '2026-11-28T23:00:01Z', progress: '3 blocks, 700 bytes', next_try: '2026-11-28T23:00:30Z'
    })
    assert.deepEqual(progressInfo([]), {})
    assert.deepEqual(progressInfo([{
      peer: fakePeer, peerName: '', operation: { ...operation, phase: 'error', error: 'no provider', nextTryAt: since + 60_000 }, ipfs,
      error: ''
    }]),
    {
      waiting_for: 'the next try', since: '2026-11-28T23:00:00Z', error: 'no provider', next_try: '2026-11-28T23:01:00Z'
    })
  })

  it('says why nothing comes, and how many were asked', () => {
    const operation = {
      type: 'pin' as const, phase: 'in_progress' as const, since, attempts: 1, error: '', queueLength: 1, nextTryAt: null
    }
    const ipfs = {
      phase: 'no_providers' as const, blocks: 0, bytes: 0, fetchedBlocks: 0, fetchedBytes: 0, startedAt: since, nextTryAt: null,
      peersAsked: [fakePeer, 'other'],
      wantedBlock: parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'), wantedSince: since
    }
    const lackOf = (phase: 'in_progress' | 'error', changes: Partial<typeof ipfs> | { phase: 'no_peers' }) => {
      const { why, asked } = progressInfo([{
        peer: fakePeer, peerName: '', operation: { ...operation, phase }, ipfs: { ...ipfs, ...changes }, error: ''
      }])
      return [why, asked]
    }

    assert.deepEqual(lackOf('in_progress', {}), ['nobody who was asked has it', '2 nodes'])
    assert.deepEqual(lackOf('error', { peersAsked: [fakePeer] }), ['nobody who was asked has it', '1 node'])
    assert.deepEqual(lackOf('in_progress', { phase: 'no_peers' }), ['no other IPFS node is connected', undefined])
  })
})
