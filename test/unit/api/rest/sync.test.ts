import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import type { ClusterSync, PinsetDiff, PinsetDiffOptions } from '../../../../src/cluster/cluster-api.ts'
import { FakeCluster, fakePeer, otherPeer } from '../../../support/fake-cluster.ts'
import { cidFor } from '../../../support/pins.ts'
import { restPeerOf, textOf } from '../../../support/rest-peer.ts'

class Differing extends FakeCluster {
  refusal: ClusterError | undefined
  override sync (): ClusterSync {
    const row = { peer: otherPeer, peerName: 'other', isTrusted: true, heads: ['bafyhead'] }
    return {
      own: { pins: 2, digest: 'ab'.repeat(32), heads: ['bafyhead'], isComplete: true },
      peers: [
        { ...row, state: 'out_of_sync', since: Date.UTC(2026, 2, 14), by: 'digest', pins: 1, digest: 'cd'.repeat(32) },
        { ...row, state: 'unknown', since: null, by: null, pins: null, digest: null }
      ]
    }
  }

  override async pinsetDiff (peers: { one: string, other: string }, { repair = false }: PinsetDiffOptions = {}): Promise<PinsetDiff> {
    if (this.refusal != null) throw this.refusal
    return {
      ...peers, pins: [{ cid: cidFor('a'), one: 'x', other: null }], isCut: false, isSameHeads: true,
      repair: repair ? [{ peer: fakePeer, lostBlocks: 1, repaired: 2 }] : null
    }
  }
}

describe('GET /health/sync', () => {
  it('tells of each peer whether its pinset is the same', async () => {
    const { ask } = restPeerOf(new Differing())

    const { own, peers } = JSON.parse(textOf(await ask('GET /health/sync'))) as any // JSON

    assert.deepEqual(own, { pins: 2, digest: 'ab'.repeat(32), heads: ['bafyhead'], complete: true })
    assert.deepEqual(peers[0], {
      peer: otherPeer, peername: 'other', trusted: true, state: 'out_of_sync', since: '2026-03-14T00:00:00Z', by: 'digest', pins: 1,
      digest: 'cd'.repeat(32), heads: ['bafyhead']
    })
    assert.deepEqual([peers[1].state, peers[1].since, peers[1].by], ['unknown', null, null])
  })
})

describe('GET and POST /health/diff/{one}/{other}', () => {
  it('name the pins that differ, and what a repair did', async () => {
    const { ask } = restPeerOf(new Differing())
    const path = `/health/diff/${fakePeer}/${otherPeer}`

    // JSON
    const [looked, repaired] = (await Promise.all([ask(`GET ${path}`), ask(`POST ${path}`)])).map(reply => JSON.parse(textOf(reply)) as any)

    assert.deepEqual(looked, {
      one: fakePeer, other: otherPeer, same_heads: true, more: false, pins: [{ cid: cidFor('a').toString(), one: 'x', other: null }],
      repair: null
    })
    assert.deepEqual(repaired.repair, [{ peer: fakePeer, lost_blocks: 1, mended: 2 }])
  })

  it('refuse what is no peer, a Go peer, and a peer that is counting', async () => {
    const cluster = new Differing()
    const { ask } = restPeerOf(cluster)
    const status = async (one: string): Promise<number> => (await ask(`GET /health/diff/${one}/${otherPeer}`)).status

    const statuses = [await status('nobody')]
    for (const code of ['INVALID_ARGUMENT', 'UNSUPPORTED', 'NOT_READY', 'PEER_UNREACHABLE'] as const) {
      cluster.refusal = new ClusterError(code, {})
      statuses.push(await status(fakePeer))
    }

    assert.deepEqual(statuses, [400, 400, 400, 503, 500])
  })
})
