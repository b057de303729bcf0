import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { GlobalPinInfo } from '../../../src/model/pin-info.ts'
import { trackerStatuses } from '../../../src/model/status.ts'
import type { TestCluster } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPin, collect, factors, options } from '../../support/cluster/values.ts'

const open = clusterOpener()

/** The statuses by the peers' places in the cluster. */
const statuses = ({ peerMap }: GlobalPinInfo, { ids }: Pick<TestCluster, 'ids'>): Array<string | undefined> =>
  ids.map(id => peerMap.get(id)?.status)

describe('status of one pin', () => {
  it('is unpinned on all members, without asking, for what is not pinned', async () => {
    const made = await open(3)

    const info = await made.cluster.status(aCid())

    assert.deepEqual(statuses(info, made), ['unpinned', 'unpinned', 'unpinned'])
    assert.deepEqual([info.allocations, info.origins, info.created, made.calls], [[], null, made.clock.now(), []])
  })

  it('asks the holders only; the others are remote, with the names from their pings', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options({ ...factors(2), name: 'n' }))
    await made.settle()

    const info = await made.cluster.status(aCid())

    assert.deepEqual(statuses(info, made), ['pinned', 'pinned', 'remote'])
    assert.deepEqual([info.name, info.allocations, made.calls], ['n', made.ids.slice(0, 2), ['status 1']])
    const remote = info.peerMap.get(made.ids[2] ?? '')
    assert.deepEqual([remote?.peerName, remote?.ipfsPeerId, remote?.timestamp], ['peer2', 'ipfs-peer2', made.clock.now()])
  })

  it('shows a holder that cannot be reached in cluster_error with the reason', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options())
    made.unreachable.set(made.ids[2] ?? '', new ClusterError('PEER_UNREACHABLE', {}, { message: 'failed to dial' }))

    const info = await made.cluster.status(aCid())

    const failed = info.peerMap.get(made.ids[2] ?? '')
    assert.deepEqual(
      [failed?.status, failed?.error, failed?.peerName, info.created], ['cluster_error', 'failed to dial', 'peer2', made.clock.now()]
    )
  })

  it('still shows a dead holder, and no longer a dead peer that held nothing', async () => {
    const made = await open(4)
    await made.cluster.pin(aCid(), options(factors(2)))
    await made.lose(1)
    await made.lose(3)

    const info = await made.cluster.status(aCid())

    assert.deepEqual(statuses(info, made), ['pinned', 'cluster_error', 'remote', undefined])
    assert.equal(info.peerMap.get(made.ids[1] ?? '')?.peerName, 'peer1')
  })

  it('leaves out a peer that does not let us ask', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options())
    made.unreachable.set(made.ids[1] ?? '', new ClusterError('NOT_AUTHORIZED'))

    const info = await made.cluster.status(aCid())

    assert.deepEqual(statuses(info, made), ['pinned', undefined, 'pinned'])
  })

  it('gives up on a silent peer after 15 s', async () => {
    const silent = new Promise<never>(() => {})
    const made = await open(2)
    await made.cluster.pin(aCid(), options())
    made.peerAt(1).tracker.status = async () => silent

    const asking = made.cluster.status(aCid())
    await made.clock.advance(15_000)

    assert.deepEqual((await asking).peerMap.get(made.ids[1] ?? '')?.error, 'context deadline exceeded')
  })

  it('of a follower, or asked locally, comes from this peer alone', async () => {
    const followers = await open(2, { init: { followerMode: true } })
    const others = await open(2)
    for (const { peer } of [followers, others]) await peer.consensus.put(aPin())
    await Promise.all([followers.settle(), others.settle()])

    const ofFollower = await followers.cluster.status(aCid())
    const local = await others.cluster.status(aCid(), { local: true })

    assert.deepEqual([statuses(ofFollower, followers), statuses(local, others)], [['pinned', undefined], ['pinned', undefined]])
  })
})

describe('status of all pins', () => {
  const cids = Array.from({ length: 30 }, (_, at) => aCid(at))

  it('of one peer goes through in batches as it comes', async () => {
    const { cluster, peer } = await open(1, { consensus: { batchSize: 10 } })
    for (const cid of cids) await peer.consensus.put(aPin({ cid }))

    const batches: number[] = []
    for await (const batch of cluster.statusAll(0)) batches.push(batch.length)

    assert.deepEqual(batches, [10, 10, 10])
  })

  it('has a row for every peer and CID', async () => {
    const made = await open(3)
    for (const cid of cids) await made.cluster.pin(cid, options(factors(2)))
    await made.settle()

    const rows = await collect(made.cluster.statusAll(0))

    assert.equal(rows.length, 30)
    assert.ok(rows.every(row => statuses(row, made).join() === 'pinned,pinned,remote'))
  })

  it('filters on each peer', async () => {
    const made = await open(3)
    for (const cid of cids) await made.cluster.pin(cid, options(factors(2)))

    const rows = await collect(made.cluster.statusAll(trackerStatuses.remote))

    assert.ok(rows.length === 30 && rows.every(row => statuses(row, made).join() === ',,remote'))
  })

  it('adds a peer that failed to every row, and never lets it speak for the pin', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options({ name: 'n' }))
    await made.settle()
    made.unreachable.set(made.ids[0] ?? '', new ClusterError('NOT_AUTHORIZED'))
    made.unreachable.set(made.ids[2] ?? '', new ClusterError('PEER_UNREACHABLE', {}, { message: 'failed to dial' }))

    const [row] = await collect(made.peerAt(1).cluster.statusAll(0))

    assert.ok(row != null)
    assert.deepEqual(
      [row.name, statuses(row, made), row.peerMap.get(made.ids[2] ?? '')?.error],
      ['n', [undefined, 'pinned', 'cluster_error'], 'failed to dial']
    )
  })

  it('is empty when the only peer has no answer to give, and an error when asked locally', async () => {
    const { cluster, peer } = await open(1)
    await peer.consensus.put(aPin())
    peer.ipfs.down = new ClusterError('IPFS_UNAVAILABLE', {}, { message: 'connection refused' })

    const rows = await collect(cluster.statusAll(0))
    const local = collect(cluster.statusAll(0, { local: true }))

    assert.deepEqual(rows, [])
    await assert.rejects(local, { code: 'IPFS_UNAVAILABLE' })
  })
})

describe('recover', () => {
  it('tries again where it failed and leaves the rest alone', async () => {
    const made = await open(3)
    for (const { ipfs } of made.peers.slice(0, 2)) ipfs.broken.add(aCid().toString())
    await made.cluster.pin(aCid(), options())
    await made.settle()
    for (const { ipfs } of made.peers) ipfs.broken.clear()

    const before = await made.cluster.status(aCid())
    const recovered = await made.cluster.recover(aCid())

    assert.deepEqual(statuses(before, made), ['pin_error', 'pin_error', 'pinned'])
    assert.deepEqual(statuses(recovered, made), ['pinned', 'pinned', 'pinned'])
  })

  it('of everything yields what was queued again, by peer', async () => {
    const made = await open(2)
    made.peerAt(1).ipfs.broken.add(aCid('bad').toString())
    for (const name of ['bad', 'good']) await made.cluster.pin(aCid(name), options())
    await made.settle()
    made.peerAt(1).ipfs.broken.clear()

    const rows = await collect(made.cluster.recoverAll())

    assert.deepEqual(rows.map(row => [row.cid.toString(), statuses(row, made)]), [[aCid('bad').toString(), [undefined, 'pinned']]])
  })

  it('of an unknown CID is unpinned on all, and not found locally', async () => {
    const made = await open(2)

    const everywhere = await made.cluster.recover(aCid())
    const here = made.cluster.recover(aCid(), { local: true })

    assert.deepEqual(statuses(everywhere, made), ['unpinned', 'unpinned'])
    await assert.rejects(here, { code: 'NOT_PINNED' })
  })

  it('runs when the peer starts and after every interval', async () => {
    const made = await open(1)
    made.peer.ipfs.broken.add(aCid().toString())
    await made.cluster.pin(aCid(), options())
    await made.settle()
    made.peer.ipfs.broken.clear()

    await made.clock.advance(720_000)

    assert.deepEqual([...made.peer.ipfs.roots.keys()], [aCid().toString()])
  })
})
