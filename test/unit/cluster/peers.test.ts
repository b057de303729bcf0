import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, aPin, collect, factors } from '../../support/cluster/values.ts'

const open = clusterOpener()

const unreachable = new ClusterError('PEER_UNREACHABLE', {}, { message: 'failed to dial' })

describe('info', () => {
  it('has what GET /id shows', async () => {
    const { cluster, ids } = await open(2)
    const [self = '', other = ''] = ids

    const info = await cluster.info()

    assert.deepEqual(info, {
      id: self,
      addresses: [`/ip4/127.0.0.1/tcp/9096/p2p/${self}`],
      clusterPeers: ids.toSorted(),
      clusterPeersAddresses: [`/ip4/127.0.0.1/tcp/1/p2p/${other}`],
      version: '1.1.6+helia.0.0.0',
      commit: '',
      rpcProtocolVersion: '/ipfscluster/1.0/rpc',
      error: '',
      ipfs: { id: 'ipfs-peer0', addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/ipfs-peer0'], error: '' },
      peerName: 'peer0'
    })
  })

  it('shows an IPFS node that does not answer', async () => {
    const { cluster, peer } = await open(1)
    peer.ipfs.down = new Error('connection refused')

    const { ipfs, error } = await cluster.info()

    assert.deepEqual([ipfs, error], [{ id: '', addresses: null, error: 'connection refused' }, ''])
  })
})

describe('peers', () => {
  it('are all members; the dead with an error, those that refuse us not at all', async () => {
    const { cluster, ids, unreachable: faults } = await open(4)
    faults.set(ids[1] ?? '', unreachable)
    faults.set(ids[2] ?? '', new ClusterError('NOT_AUTHORIZED'))

    const peers = await collect(cluster.peers())

    const rows = new Map(peers.map(info => [info.id, info]))
    assert.deepEqual([...rows.keys()].toSorted(), [ids[0], ids[1], ids[3]].toSorted())
    assert.deepEqual(
      [rows.get(ids[1] ?? '')?.error, rows.get(ids[1] ?? '')?.addresses, rows.get(ids[3] ?? '')?.peerName],
      ['failed to dial', null, 'peer3']
    )
  })

  it('come as they answer, and a silent one after 15 s', async () => {
    const made = await open(3)
    made.peerAt(1).ipfs.id = async () => new Promise(() => {})

    const stream = made.cluster.peers()[Symbol.asyncIterator]()
    const quick = [await stream.next(), await stream.next()].map(({ value }) => value.id as string)
    const slow = stream.next()
    await made.clock.advance(15_000)

    assert.deepEqual(quick.toSorted(), [made.ids[0], made.ids[2]].toSorted())
    assert.equal((await slow).value.error, 'context deadline exceeded')
  })

  it('vanish with their pings', async () => {
    const { cluster, ids, lose } = await open(3)

    await lose(1)

    assert.deepEqual((await collect(cluster.peers())).map(({ id }) => id).toSorted(), [ids[0], ids[2]].toSorted())
  })

  it('can be added: the peer is asked, and is a member before its first ping', async () => {
    const { cluster, ids, monitor } = await open(2)
    monitor.forget(ids[1] ?? '')

    const info = await cluster.addPeer(ids[1] ?? '')

    assert.equal(info.peerName, 'peer1')
    assert.ok(info.clusterPeers?.includes(ids[0] ?? ''))
    assert.deepEqual((await cluster.info()).clusterPeers, ids.toSorted())
  })

  it('that cannot be reached cannot be added', async () => {
    const { cluster } = await open(1)

    const adding = cluster.addPeer(aPeerId('nobody'))

    await assert.rejects(adding, { code: 'PEER_UNREACHABLE' })
  })
})

describe('the size of all repositories', () => {
  it('is the sum over the peers that answer', async () => {
    const made = await open(3)
    made.peerAt(1).ipfs.down = new Error('connection refused')

    const total = await made.cluster.repoStat()

    assert.deepEqual(total, { repoSize: 10, storageMax: 20e9 })
  })

  it('is an error when nobody answers', async () => {
    const made = await open(1)
    made.peer.ipfs.down = new ClusterError('IPFS_UNAVAILABLE')

    const total = made.cluster.repoStat()

    await assert.rejects(total, { code: 'IPFS_UNAVAILABLE' })
  })
})

describe('garbage collection', () => {
  it('runs on all peers; who fails has an error', async () => {
    const made = await open(3)
    made.peerAt(0).ipfs.removable = [{ key: aCid('x'), error: '' }]
    made.peerAt(1).ipfs.down = new Error('connection refused')

    const all = await made.cluster.repoGc()

    assert.deepEqual(made.ids.map(id => all.get(id)), [
      { peer: made.ids[0], peerName: 'peer0', keys: [{ key: aCid('x'), error: '' }], error: '' },
      { peer: made.ids[1], peerName: 'peer1', keys: [], error: 'connection refused' },
      { peer: made.ids[2], peerName: 'peer2', keys: [], error: '' }
    ])
  })

  it('keeps what the pinset wants on this peer, whether its node has pinned it yet or not', async () => {
    const made = await open(2)
    const [everywhere, ours, meta] = [
      aPin({ cid: aCid('a') }), aPin({ cid: aCid('b'), ...factors(1), allocations: [made.peer.id] }),
      aPin({ cid: aCid('d'), type: 'meta-pin' })
    ]
    for (const pin of [everywhere, ours, meta, { ...ours, cid: aCid('c'), allocations: [made.ids[1] ?? ''] }]) {
      made.pinset.pins.set(pin.cid.toString(), pin)
    }

    await made.cluster.repoGc({ local: true })

    assert.deepEqual(made.peer.ipfs.wanted, [everywhere, ours].map(({ cid }) => cid.toString()))
  })

  it('runs here only when asked so, and then fails when the node does', async () => {
    const made = await open(2)
    const here = await made.cluster.repoGc({ local: true })
    made.peer.ipfs.down = new ClusterError('IPFS_UNAVAILABLE')

    const failing = made.cluster.repoGc({ local: true })

    assert.deepEqual([...here.keys()], [made.ids[0]])
    await assert.rejects(failing, { code: 'IPFS_UNAVAILABLE' })
  })
})

describe('connect graph', () => {
  it('links every peer with every other and their IPFS nodes', async () => {
    const { cluster, peers, ids } = await open(3)
    for (const { ipfs } of peers) ipfs.swarm = ['ipfs-x']

    const graph = await cluster.connectGraph()

    const [first = '', second = '', third = ''] = ids
    assert.equal(graph.clusterId, first)
    assert.deepEqual(graph.idToPeerName, { [first]: 'peer0', [second]: 'peer1', [third]: 'peer2' })
    assert.deepEqual(graph.clusterLinks[second]?.toSorted(), [first, third].toSorted())
    assert.deepEqual(graph.clusterTrustLinks, { [first]: true, [second]: true, [third]: true })
    assert.deepEqual(graph.clusterToIpfs, { [first]: 'ipfs-peer0', [second]: 'ipfs-peer1', [third]: 'ipfs-peer2' })
    assert.deepEqual(graph.ipfsLinks, { 'ipfs-peer0': ['ipfs-x'], 'ipfs-peer1': ['ipfs-x'], 'ipfs-peer2': ['ipfs-x'] })
  })

  it('has a dead member without links, and a peer without IPFS without those', async () => {
    const made = await open(3)
    const [first = '', second = '', third = ''] = made.ids
    made.unreachable.set(second, unreachable)
    made.peerAt(2).ipfs.down = new Error('connection refused')

    const graph = await made.cluster.connectGraph()

    assert.deepEqual(graph.clusterLinks, { [first]: [third], [second]: [], [third]: [first] })
    assert.deepEqual([Object.keys(graph.clusterToIpfs), Object.keys(graph.ipfsLinks)], [[first], ['ipfs-peer0']])
  })
})

describe('connecting the IPFS nodes', () => {
  it('happens after the delay, once when that was enough', async () => {
    const made = await open(2, { init: { connectSwarmsDelayMs: 30_000 } })
    await made.clock.advance(29_000)
    const early = made.peer.ipfs.dialled.length

    await made.clock.advance(2000)

    assert.deepEqual([early, made.peer.ipfs.dialled], [0, ['/ip4/127.0.0.1/tcp/4001/p2p/ipfs-peer1']])
    await made.clock.advance(3_600_000)
    assert.equal(made.peer.ipfs.dialled.length, 1)
  })

  it('is tried again while a node can not be reached, or a member does not answer', async () => {
    const made = await open(2, { init: { connectSwarmsDelayMs: 30_000 } })
    made.peer.ipfs.cutOff = true
    made.unreachable.set(made.ids[1] ?? '', unreachable)

    await made.clock.advance(31_000)
    const first = made.peer.ipfs.dialled.length
    made.unreachable.clear()
    await made.clock.advance(30_000)
    const second = made.peer.ipfs.dialled.length
    made.peer.ipfs.cutOff = false
    await made.clock.advance(30_000)

    assert.deepEqual([first, second, made.peer.ipfs.dialled.length, made.peer.ipfs.swarm], [0, 1, 2, ['ipfs-peer1']])
  })

  it('is given up after ten tries', async () => {
    const made = await open(2, { init: { connectSwarmsDelayMs: 30_000 } })
    made.peer.ipfs.cutOff = true

    await made.clock.advance(3_600_000)

    assert.equal(made.peer.ipfs.dialled.length, 10)
  })
})
