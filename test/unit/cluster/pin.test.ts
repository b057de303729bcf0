import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterError } from '../../../src/base/errors.ts'
import type { PinOptions } from '../../../src/model/pin.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, aPin, factors, options } from '../../support/cluster/values.ts'

const open = clusterOpener()

describe('pin', () => {
  it('commits an everywhere pin without allocations, with the time of the pin', async () => {
    const { cluster, clock, pinset } = await open(1)

    const pin = await cluster.pin(aCid(), options({ name: 'n', metadata: { a: '1' } }))

    assert.deepEqual(
      [pin.replicationFactorMin, pin.replicationFactorMax, pin.allocations, pin.timestamp, pin.name, pin.metadata],
      [-1, -1, [], clock.now(), 'n', { a: '1' }]
    )
    assert.equal(pinset.pins.get(aCid().toString())?.name, 'n')
  })

  const refusals: Array<[string, Partial<PinOptions>, string]> = [
    ['a minimum above the maximum', factors(3, 2), 'cluster.replication_factor_min is larger than max'],
    ['a minimum below -1', factors(-5), 'cluster.replication_factor_min is wrong'],
    ['only one factor -1', factors(-1, 2), 'cluster.replication_factor_min and max must be -1 when one of them is'],
    ['an expiry in the past', { expireAt: Date.UTC(2020, 0, 1) }, 'pin.ExpireAt set before current time']
  ]
  for (const [what, wish, message] of refusals) {
    it(`refuses ${what} with Go's text and changes nothing`, async () => {
      const { cluster, pinset } = await open(1)

      const pinning = cluster.pin(aCid(), options(wish))

      await assert.rejects(pinning, { code: 'PIN_REFUSED', message })
      assert.equal(pinset.commits, 0)
    })
  }

  it('refuses to pin what is recursive as direct, and lets a direct pin become recursive', async () => {
    const { cluster } = await open(1)
    await cluster.pin(aCid('r'), options())
    await cluster.pin(aCid('d'), options({ mode: 'direct' }))

    const asDirect = cluster.pin(aCid('r'), options({ mode: 'direct' }))
    const asRecursive = await cluster.pin(aCid('d'), options())

    await assert.rejects(asDirect, { code: 'PIN_REFUSED', message: /^cannot repin a CID which is already pinned in recursive mode/ })
    assert.equal(asRecursive.maxDepth, -1)
  })

  it('refuses to pin over an item of another type', async () => {
    const { cluster, peers } = await open(1)
    await peers[0]?.consensus.put(aPin({ type: 'meta-pin', maxDepth: 0, reference: aCid('dag') }))

    const pinning = cluster.pin(aCid(), options())

    await assert.rejects(pinning, {
      code: 'PIN_REFUSED',
      message: 'cannot repin CID with different tracking method, clear state with pin rm to proceed. New: pin. Was: meta-pin'
    })
  })

  it('commits again when nothing but the time changes', async () => {
    const { cluster, clock, pinset } = await open(1)
    await cluster.pin(aCid(), options())
    await clock.advance(5000)

    const again = await cluster.pin(aCid(), options())

    assert.equal(pinset.commits, 2)
    assert.equal(again.timestamp, clock.now())
  })

  it('echoes preferred peers and does not store them', async () => {
    const { cluster, ids, pinset } = await open(3)
    const preferred = ids[2] ?? ''

    const pin = await cluster.pin(aCid(), options({ ...factors(1), userAllocations: [preferred] }))

    assert.deepEqual([pin.userAllocations, pin.allocations], [[preferred], [preferred]])
    assert.deepEqual(pinset.pins.get(aCid().toString())?.userAllocations, [])
  })

  it('allocates by the metrics, up to the maximum', async () => {
    const { cluster, ids } = await open(4)

    const pin = await cluster.pin(aCid(), options(factors(1, 2)))

    assert.deepEqual(pin.allocations, ids.slice(0, 2))
  })

  it('says how many peers are missing', async () => {
    const { cluster } = await open(3)

    const pinning = cluster.pin(aCid(), options(factors(5)))

    await assert.rejects(pinning, {
      code: 'NOT_ENOUGH_PEERS',
      message: 'not enough peers to allocate CID. Needed at least: 5. Wanted at most: 5. Available candidates: 3. See logs for more info.'
    })
  })

  it('keeps allocations on a second pin, trims them for a lower maximum and replaces a dead peer', async () => {
    const { cluster, ids, lose } = await open(4)
    const first = await cluster.pin(aCid(), options(factors(2, 3)))

    const same = await cluster.pin(aCid(), options(factors(2, 3)))
    const trimmed = await cluster.pin(aCid(), options(factors(2)))
    await lose(1)
    const replaced = await cluster.pin(aCid(), options(factors(2)))

    assert.deepEqual(same.allocations, first.allocations)
    assert.deepEqual(trimmed.allocations, ids.slice(0, 2))
    assert.deepEqual(replaced.allocations, [ids[0], ids[2]])
  })

  it('keeps dead holders as long as the minimum lives', async () => {
    const { cluster, ids, lose } = await open(5)
    await cluster.pin(aCid(), options(factors(1, 4)))
    await lose(1)
    await lose(2)

    const again = await cluster.pin(aCid(), options(factors(1, 4)))

    assert.deepEqual(again.allocations, ids.slice(0, 4))
  })

  it('takes only trusted peers when told so', async () => {
    const trusted = [aPeerId(0), aPeerId(2)]
    const { cluster, ids } = await open(3, { init: { pinOnlyOnTrustedPeers: true }, consensus: { trusts: peer => trusted.includes(peer) } })

    const pin = await cluster.pin(aCid(), options(factors(1, 3)))

    assert.deepEqual(pin.allocations, [ids[0], ids[2]])
  })

  it('updates: everything comes from the old pin but name and a later expiry', async () => {
    const { cluster, clock, pinset } = await open(3)
    await cluster.pin(aCid('old'), options({ ...factors(1, 2), name: 'old', metadata: { a: '1' } }))
    await clock.advance(1000)

    const updated = await cluster.pin(aCid('new'), options({ ...factors(3, 2), pinUpdate: aCid('old'), name: 'new', metadata: { b: '2' } }))

    const old = pinset.pins.get(aCid('old').toString())
    assert.deepEqual(
      [updated.name, updated.metadata, updated.allocations, updated.replicationFactorMax, updated.pinUpdate?.toString(), updated.timestamp],
      ['new', { a: '1' }, old?.allocations, 2, aCid('old').toString(), clock.now()]
    )
    assert.ok(old != null)
  })

  it('updates without the holder that the old pin is being taken from', async () => {
    const { cluster, ids, peerAt } = await open(3)
    await cluster.pin(aCid('old'), options(factors(1, 2)))
    await peerAt(0).consensus.put({ ...cluster.allocation(aCid('old')), allocations: [...ids] })

    const updated = await cluster.pin(aCid('new'), options({ pinUpdate: aCid('old') }))

    assert.deepEqual(updated.allocations, ids.slice(0, 2))
  })

  it('updates only from a data pin that is there', async () => {
    const { cluster, peers } = await open(1)
    await peers[0]?.consensus.put(aPin({ cid: aCid('meta'), type: 'meta-pin', maxDepth: 0, reference: aCid('dag') }))

    const missing = cluster.pin(aCid(), options({ pinUpdate: aCid('nothing') }))
    const meta = cluster.pin(aCid(), options({ pinUpdate: aCid('meta') }))

    await assert.rejects(missing, { code: 'NOT_PINNED', message: 'pin is not part of the pinset' })
    await assert.rejects(meta, { code: 'PIN_REFUSED', message: 'this pin type cannot be updated' })
  })

  it('is refused in follower mode, like every other write', async () => {
    const { cluster, pinset } = await open(1, { init: { followerMode: true } })

    const writes = [
      cluster.pin(aCid(), options()),
      cluster.pinPath(`/ipfs/${aCid().toString()}`, options()),
      cluster.unpin(aCid()),
      cluster.unpinPath(`/ipfs/${aCid().toString()}`),
      cluster.removePeer(aPeerId(7))
    ]
    const results = await Promise.allSettled(writes)

    assert.deepEqual(
      results.map(result => result.status === 'rejected' && (result.reason as ClusterError).code), writes.map(() => 'FOLLOWER_MODE')
    )
    assert.equal(pinset.commits, 0)
  })

  it('pins and unpins what a path leads to', async () => {
    const { cluster, peers, pinset } = await open(1)
    peers[0]?.ipfs.paths.set(`/ipfs/${aCid('dir').toString()}/a.txt`, aCid('a'))

    const pinned = await cluster.pinPath(`/ipfs/${aCid('dir').toString()}/a.txt/`, options())
    const unpinned = await cluster.unpinPath(`/ipfs/${aCid('a').toString()}`)

    assert.equal(pinned.cid.toString(), aCid('a').toString())
    assert.equal(unpinned.cid.toString(), aCid('a').toString())
    assert.equal(pinset.pins.size, 0)
  })

  it('refuses what is not a path, and passes on why a path leads nowhere', async () => {
    const { cluster } = await open(1)
    const bad = ['/ipfs/zzz', '/ipfs', 'ipfs/x', '/files/x', '']

    const results = await Promise.allSettled(bad.map(async path => cluster.pinPath(path, options())))
    const nowhere = cluster.pinPath(`/ipfs/${aCid().toString()}/nope.txt`, options())

    for (const [at, result] of results.entries()) {
      assert.ok(result.status === 'rejected' && (result.reason as ClusterError).code === 'INVALID_ARGUMENT')
      assert.ok((result.reason as Error).message.startsWith(`error parsing path: invalid path ${JSON.stringify(bad[at])}: `))
    }
    await assert.rejects(nowhere, { code: 'IPFS_ERROR' })
  })

  it('lets the tracker pin on all peers, and forget what is unpinned', async () => {
    const { cluster, peers, settle } = await open(3)
    await cluster.pin(aCid(), options())
    await settle()
    const pinned = peers.map(({ ipfs }) => ipfs.roots.size)

    await cluster.unpin(aCid())
    await settle()

    assert.deepEqual([pinned, peers.map(({ ipfs }) => ipfs.roots.size)], [[1, 1, 1], [0, 0, 0]])
  })

  it('does not untrack what is back already', async () => {
    const { peers, pinset } = await open(1)
    await peers[0]?.consensus.put(aPin())

    pinset.changes.emit([{ cid: aCid(), pin: undefined }])

    assert.deepEqual(peers[0]?.tracker.untracked, [])
  })
})
