import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { UploadEntry } from '../../../src/model/add.ts'
import type { TestCluster } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { uploadOf } from '../../support/cluster/text-importers.ts'
import { aCid, addParams, collect, factors, options } from '../../support/cluster/values.ts'

const open = clusterOpener()

/** How many blocks each peer has. */
const blockCounts = ({ peers }: Pick<TestCluster, 'peers'>): number[] => peers.map(({ ipfs }) => ipfs.blocks.size)

describe('add', () => {
  it('stores the blocks and pins the last root, with the options of the upload', async () => {
    const made = await open(1)

    const lines = await collect(made.cluster.add(uploadOf(['a', '1', '2'], ['b', '3']), addParams({}, { name: 'n', metadata: { k: 'v' } })))

    assert.deepEqual(
      lines.map(({ name, cid, size }) => [name, cid?.toString(), size]), [['a', aCid('2').toString(), 2], ['b', aCid('3').toString(), 1]]
    )
    assert.deepEqual(lines.map(({ allocations }) => allocations), [made.ids, made.ids])
    const [pin, ...others] = made.pinset.pins.values()
    assert.deepEqual(
      [pin?.cid.toString(), pin?.name, pin?.metadata, pin?.allocations, others], [aCid('3').toString(), 'n', { k: 'v' }, [], []]
    )
    assert.deepEqual(blockCounts(made), [3])
  })

  it('sends a small add to the node in one call', async () => {
    const { cluster, peer } = await open(1)

    await collect(cluster.add(uploadOf(['a', '1', '2', '3', '4']), addParams()))

    assert.equal(peer.ipfs.putCalls, 1)
  })

  it('is recursive and no update, whatever the options say', async () => {
    const { cluster, pinset } = await open(1)

    await collect(cluster.add(uploadOf(['a', '1']), addParams({}, { mode: 'direct', pinUpdate: aCid('other') })))

    const [pin] = pinset.pins.values()
    assert.deepEqual([pin?.maxDepth, pin?.pinUpdate], [-1, null])
  })

  it('stores and does not pin with no-pin', async () => {
    const made = await open(1)

    await collect(made.cluster.add(uploadOf(['a', '1']), addParams({ noPin: true })))

    assert.deepEqual([made.pinset.pins.size, blockCounts(made)], [0, [1]])
  })

  it('gives progress without holders', async () => {
    const { cluster } = await open(1)

    const lines = await collect(cluster.add(uploadOf(['a', '1', '2']), addParams({ progress: true })))

    assert.deepEqual(
      lines.map(({ cid, bytes, allocations }) => [cid == null, bytes, allocations.length]), [[true, 1, 0], [true, 2, 0], [false, 0, 1]]
    )
  })

  it('goes to the allocated peers only, which are those of the pin', async () => {
    const made = await open(4)

    const [line] = await collect(made.cluster.add(uploadOf(['a', '1']), addParams({}, factors(1, 2))))

    const [pin] = made.pinset.pins.values()
    assert.deepEqual([line?.allocations, pin?.allocations, blockCounts(made)], [made.ids.slice(0, 2), made.ids.slice(0, 2), [1, 1, 0, 0]])
  })

  it('goes to the peers that the user names', async () => {
    const made = await open(3)

    await collect(made.cluster.add(uploadOf(['a', '1']), addParams({}, { ...factors(1), userAllocations: made.ids.slice(2) })))

    assert.deepEqual(blockCounts(made), [0, 0, 1])
  })

  it('goes to all members when it is for everybody', async () => {
    const made = await open(3)

    const [line] = await collect(made.cluster.add(uploadOf(['a', '1']), addParams()))

    assert.deepEqual([line?.allocations.toSorted(), blockCounts(made)], [made.ids.toSorted(), [1, 1, 1]])
  })

  it('with local keeps the blocks here, and this peer takes the last place unless others were named', async () => {
    const made = await open(3)
    const last = made.peerAt(2)

    await collect(last.cluster.add(uploadOf(['a', '1']), addParams({ local: true }, factors(2))))
    await collect(
      last.cluster.add(uploadOf(['b', '2']), addParams({ local: true }, { ...factors(1), userAllocations: [made.ids[1] ?? ''] }))
    )

    const pins = [...made.pinset.pins.values()].map(({ allocations }) => allocations)
    assert.deepEqual([pins, blockCounts(made)], [[[made.ids[0], made.ids[2]], [made.ids[1]]], [0, 0, 2]])
  })

  it('succeeds as long as one destination stores the blocks', async () => {
    const made = await open(3)
    made.unreachable.set(made.ids[1] ?? '', new ClusterError('PEER_UNREACHABLE'))

    const lines = await collect(made.cluster.add(uploadOf(['a', '1']), addParams()))

    assert.deepEqual([lines[0]?.allocations.length, blockCounts(made), made.pinset.pins.size], [3, [1, 0, 1], 1])
  })

  it('fails when no destination stores them, and pins nothing', async () => {
    const made = await open(2)
    for (const { ipfs } of made.peers) ipfs.storageFault = new ClusterError('IPFS_UNAVAILABLE')

    const adding = collect(made.cluster.add(uploadOf(['a', '1']), addParams()))

    await assert.rejects(adding, { code: 'IPFS_ERROR', message: 'failed to put block on all destinations' })
    assert.equal(made.pinset.pins.size, 0)
  })

  it('says that the disk is full', async () => {
    const { cluster, peer, pinset } = await open(1)
    peer.ipfs.storageFault = new ClusterError('STORAGE_FULL', {}, { message: 'no room' })

    const adding = collect(cluster.add(uploadOf(['a', '1']), addParams()))

    await assert.rejects(adding, { code: 'STORAGE_FULL', message: 'no room' })
    assert.equal(pinset.pins.size, 0)
  })

  it('is refused before anything is read: followers, bad factors, too few peers', async () => {
    const follower = await open(1, { init: { followerMode: true } })
    const writer = await open(1)
    let isRead = false
    const entries = (async function * (): AsyncGenerator<UploadEntry> {
      isRead = true
      yield { kind: 'directory', path: 'd' }
    })()

    const byFollower = collect(follower.cluster.add(entries, addParams()))
    const badFactors = collect(writer.cluster.add(entries, addParams({}, factors(3, 2))))
    const tooMany = collect(writer.cluster.add(entries, addParams({}, factors(2))))

    await assert.rejects(byFollower, { code: 'FOLLOWER_MODE' })
    await assert.rejects(badFactors, { code: 'PIN_REFUSED', message: 'cluster.replication_factor_min is larger than max' })
    await assert.rejects(tooMany, { code: 'NOT_ENOUGH_PEERS' })
    assert.ok(!isRead)
  })

  it('leaves no pin when the upload breaks off, and says why', async () => {
    const { cluster, pinset } = await open(1)
    const broken = (async function * (): AsyncGenerator<UploadEntry> {
      yield * uploadOf(['a', '1'])
      throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'multipart: NextPart: EOF' })
    })()

    const adding = collect(cluster.add(broken, addParams()))

    await assert.rejects(adding, { message: 'multipart: NextPart: EOF' })
    assert.equal(pinset.pins.size, 0)
  })

  it('leaves no pin when the reader of the lines goes away', async () => {
    const made = await open(2)

    for await (const _line of made.cluster.add(uploadOf(['a', '1'], ['b', '2']), addParams())) break

    assert.equal(made.pinset.pins.size, 0)
  })

  it('leaves no pin when it is aborted', async () => {
    const { cluster, pinset } = await open(1)
    const controller = new AbortController()
    const slow = (async function * (): AsyncGenerator<UploadEntry> {
      yield * uploadOf(['a', '1'])
      controller.abort(new Error('the client left'))
    })()

    const adding = collect(cluster.add(slow, addParams(), { signal: controller.signal }))

    await assert.rejects(adding, { message: 'the client left' })
    assert.equal(pinset.pins.size, 0)
  })

  it('refuses an upload without content', async () => {
    const { cluster } = await open(1)

    const adding = collect(cluster.add(uploadOf(), addParams()))

    await assert.rejects(adding, { code: 'INVALID_ARGUMENT', details: { empty: true } })
  })

  it('refuses to pin added content over an item of another type', async () => {
    const { cluster, peer } = await open(1)
    await peer.cluster.pin(aCid('1'), options())
    await peer.consensus.put({ ...peer.cluster.allocation(aCid('1')), type: 'meta-pin', reference: aCid('dag') })

    const adding = collect(cluster.add(uploadOf(['a', '1']), addParams()))

    await assert.rejects(adding, { code: 'PIN_REFUSED' })
  })
})

describe('adding a CAR', () => {
  it('reads the first file only and gives one line', async () => {
    const made = await open(1)

    const lines = await collect(made.cluster.add(uploadOf(['x.car', '1', '22'], ['y.car', '3']), addParams({ format: 'car' })))

    assert.deepEqual(lines.map(({ name, cid, bytes }) => [name, cid?.toString(), bytes]), [['x.car', aCid('1').toString(), 3]])
    assert.deepEqual([...made.pinset.pins.keys()], [aCid('1').toString()])
  })

  it('refuses to wrap it, and what is not a file', async () => {
    const { cluster } = await open(1)
    const directory = (async function * (): AsyncGenerator<UploadEntry> { yield { kind: 'directory', path: 'd' } })()

    const wrapped = collect(cluster.add(uploadOf(['x.car', '1']), addParams({ format: 'car', wrap: true })))
    const noFile = collect(cluster.add(directory, addParams({ format: 'car' })))

    await assert.rejects(wrapped, { code: 'INVALID_ARGUMENT', message: 'cannot wrap a CAR file upload' })
    await assert.rejects(noFile, { code: 'INVALID_ARGUMENT', message: 'expected CAR file is not of type file' })
  })
})

describe('adding in shards', () => {
  const params = addParams({ shard: true }, { ...factors(1), name: 'sh', shardSize: 2 })

  it('gives the lines in Go’s order and pins shards, cluster DAG and root', async () => {
    const { cluster, pinset } = await open(2)

    const lines = await collect(cluster.add(uploadOf(['f', '1', '2', '3']), params))

    assert.deepEqual(lines.map(({ name }) => name), ['shard-0', 'f', 'shard-1', 'sh-clusterDAG'])
    assert.deepEqual(lines.map(({ allocations }) => allocations.length), [1, 1, 1, 0])
    const pins = [...pinset.pins.values()]
    assert.deepEqual(pins.map(({ name, type, allocations }) => [name, type, allocations.length]), [
      ['sh-shard-0', 'shard-pin', 1],
      ['sh-shard-1', 'shard-pin', 1],
      ['sh-clusterDAG', 'clusterdag-pin', 0],
      ['sh', 'meta-pin', 0]
    ])
    assert.equal(pins[3]?.reference?.toString(), pins[2]?.cid.toString())
  })

  it('allocates each shard by itself', async () => {
    const made = await open(2)
    const shrinking = (async function * (): AsyncGenerator<UploadEntry> {
      yield * uploadOf(['f', '1', '2'])
      made.monitor.beat(made.ids[1] ?? '', { freeSpace: 9_000_000n })
      yield * uploadOf(['g', '3'])
    })()

    await collect(made.cluster.add(shrinking, params))

    assert.deepEqual([...made.pinset.pins.values()].slice(0, 2).map(({ allocations }) => allocations[0]), made.ids)
  })

  it('takes its pins back when it breaks off, but none that was there before', async () => {
    const { cluster, pinset } = await open(1)
    await collect(cluster.add(uploadOf(['f', '1', '2']), params))
    const before = [...pinset.pins.keys()]
    const broken = (async function * (): AsyncGenerator<UploadEntry> {
      yield * uploadOf(['f', '1', '2', '3', '4', '5'])
      throw new Error('cut off')
    })()

    const adding = collect(cluster.add(broken, params))

    await assert.rejects(adding, { message: 'cut off' })
    assert.deepEqual([...pinset.pins.keys()], before)
  })
})
