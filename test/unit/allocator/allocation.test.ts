import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allocate } from '../../../src/allocator/allocation.ts'
import type { AllocationRequest } from '../../../src/allocator/allocation.ts'
import { balancedAllocator } from '../../../src/allocator/balanced/balanced-allocator.ts'
import { isClusterError } from '../../../src/base/errors.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import type { Metric } from '../../../src/model/metric.ts'

const allocator = balancedAllocator({ allocateBy: ['tag:group', 'freespace'] })

const metric = (name: string, peer: PeerId, value: string, weight: bigint): Metric =>
  ({ name, peer, value, weight, partitionable: name.startsWith('tag:'), valid: true, expire: 0n, receivedAt: 0n })

/** a has most free space, b less, and so on; all in one group. */
function alive (...peers: PeerId[]): Map<string, Map<PeerId, Metric>> {
  const free = (peer: PeerId): bigint => BigInt(1000 - peer.charCodeAt(0))
  return new Map([
    ['tag:group', new Map(peers.map(peer => [peer, metric('tag:group', peer, 'default', 0n)]))],
    ['freespace', new Map(peers.map(peer => [peer, metric('freespace', peer, String(free(peer)), free(peer))]))]
  ])
}

const request = (some: Partial<AllocationRequest>): AllocationRequest =>
  ({ current: [], min: 1, max: 1, excluded: () => false, priority: [], metrics: alive('a', 'b', 'c', 'd', 'e'), ...some })

describe('allocate', () => {
  it('gives no allocations for "everywhere", without any metrics', () => {
    assert.deepEqual(allocate(request({ min: -1, max: -1, metrics: new Map(), priority: ['a'] }), allocator), [])
  })

  it('refuses factors that add up to zero', () => {
    assert.throws(() => allocate(request({ min: 0, max: 0 }), allocator), err => isClusterError(err, 'INVALID_ARGUMENT'))
    assert.throws(() => allocate(request({ min: -1, max: 1 }), allocator), err => isClusterError(err, 'INVALID_ARGUMENT'))
  })

  it('takes as many as the maximum, in the order of the allocator', () => {
    assert.deepEqual(allocate(request({ min: 1, max: 3 }), allocator), ['a', 'b', 'c'])
  })

  it('is content with the minimum when there are no more', () => {
    assert.deepEqual(allocate(request({ min: 2, max: 10 }), allocator), ['a', 'b', 'c', 'd', 'e'])
  })

  it('says with the text of Go that there are not enough', () => {
    const tooMany = request({ min: 5, max: 6, metrics: alive('a', 'b', 'c') })

    assert.throws(() => allocate(tooMany, allocator), err => {
      assert.ok(isClusterError(err, 'NOT_ENOUGH_PEERS'))
      assert.deepEqual(err.details, { needed: 5, wanted: 6, available: 3 })
      assert.equal(
        err.message,
        'not enough peers to allocate CID. Needed at least: 5. Wanted at most: 6. Available candidates: 3. See logs for more info.'
      )
      return true
    })
  })

  it('leaves allocations as they are while enough of them live, dead ones included, even when more could be had', () => {
    const current = ['dead', 'e', 'd']

    assert.deepEqual(allocate(request({ current, min: 2, max: 5 }), allocator), current)
    assert.deepEqual(allocate(request({ current: ['e'], min: 1, max: 5 }), allocator), ['e'])
  })

  it('drops the dead when they make it more than the maximum, though enough live', () => {
    assert.deepEqual(allocate(request({ current: ['dead', 'e', 'd'], min: 2, max: 2 }), allocator), ['e', 'd'])
  })

  it('refills up to the maximum when too few live, the living ones first and the dead ones dropped', () => {
    assert.deepEqual(allocate(request({ current: ['dead', 'e'], min: 2, max: 3 }), allocator), ['e', 'a', 'b'])
  })

  it('trims to the maximum in the order of the old allocations', () => {
    assert.deepEqual(allocate(request({ current: ['e', 'dead', 'c', 'a', 'b'], min: 1, max: 2 }), allocator), ['e', 'c'])
  })

  it('puts peers that the user named first, but only those that live', () => {
    assert.deepEqual(allocate(request({ priority: ['dead', 'e', 'd'], min: 2, max: 3 }), allocator), ['d', 'e', 'a'])
  })

  it('neither chooses nor counts excluded peers', () => {
    const excluded = (peer: PeerId): boolean => peer === 'a' || peer === 'e'

    assert.deepEqual(allocate(request({ current: ['e'], excluded, min: 1, max: 2 }), allocator), ['b', 'c'])
    assert.deepEqual(allocate(request({ excluded, priority: ['a', 'd'], min: 1, max: 2 }), allocator), ['d', 'b'])
  })

  it('ignores a peer that lacks one of the metrics, as a holder too', () => {
    const metrics = alive('a', 'b', 'c')
    metrics.get('freespace')?.delete('a')

    assert.deepEqual(allocate(request({ metrics, min: 1, max: 2 }), allocator), ['b', 'c'])
    assert.deepEqual(allocate(request({ metrics, current: ['a'], min: 1, max: 1 }), allocator), ['b'])
  })

  it('never names a peer twice', () => {
    assert.deepEqual(allocate(request({ current: ['b'], priority: ['b', 'c', 'c'], min: 3, max: 4 }), allocator), ['b', 'c', 'a', 'd'])
  })
})
