import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isUnderReplicated } from '../../../src/model/pin-info.ts'
import { trackerStatuses } from '../../../src/model/status.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, aPin, collect, options } from '../../support/cluster/values.ts'

const openCluster = clusterOpener()

async function open (count: number) {
  const made = await openCluster(count)
  return { ...made, consensus: made.peer.consensus }
}

/** Three peers: one pin on each of some of them, one everywhere; the second is lost. */
async function withLostPeer () {
  const made = await open(3)
  const [one = '', two = '', three = ''] = made.ids
  const pinOn = async (name: string, allocations: string[]): Promise<void> =>
    made.consensus.put(aPin({ cid: aCid(name), name, allocations, replicationFactorMin: 1, replicationFactorMax: 2 }))
  await pinOn('both', [one, two])
  await pinOn('lost', [two])
  await pinOn('fine', [one, three])
  await made.cluster.pin(aCid('everywhere'), options({ name: 'everywhere' }))
  await made.settle()
  await made.lose(1)
  return { ...made, one, two, three }
}

describe('what a missing peer costs', () => {
  it('is counted by peer', async () => {
    const { cluster, two } = await withLostPeer()

    const health = await cluster.pinsHealth()

    assert.deepEqual([health.pins, health.everywhere, health.underReplicated, health.unreachable], [4, 1, 2, 1])
    assert.deepEqual(
      health.peers.map(({ peerName, isMissing, pins, alone }) => [peerName, isMissing, pins, alone]).toSorted(),
      [['peer0', false, 2, 1], ['peer1', true, 2, 1], ['peer2', false, 1, 0]]
    )
    assert.deepEqual(health.peers.find(({ peer }) => peer === two)?.lastSeen, 0)
  })

  it('misses nobody who held nothing and was removed a moment ago', async () => {
    const made = await open(3)
    await made.lose(1)
    const missingNow = async (): Promise<string[]> =>
      (await made.cluster.pinsHealth()).peers.filter(({ isMissing }) => isMissing).map(({ peer }) => peer)
    const before = await missingNow()

    await made.cluster.removePeer(made.ids[1] ?? '')

    assert.deepEqual([before, await missingNow()], [[made.ids[1]], []])
  })

  it('has who was never heard and is named by the pinset', async () => {
    const { cluster, consensus } = await open(1)
    await consensus.put(aPin({ allocations: [aPeerId(9)], replicationFactorMin: 1, replicationFactorMax: 1 }))

    const { peers } = await cluster.pinsHealth()

    assert.deepEqual(
      peers.filter(({ isMissing }) => isMissing).map(({ peer, lastSeen, pins }) => [peer, lastSeen, pins]), [[aPeerId(9), null, 1]]
    )
  })

  it('has pins that peers failed to get, by status', async () => {
    const made = await open(2)
    made.peerAt(1).ipfs.broken.add(aCid('bad').toString())
    for (const name of ['bad', 'good']) await made.cluster.pin(aCid(name), options())
    await made.settle()

    const { underReplicated, peers } = await made.cluster.pinsHealth()

    assert.equal(underReplicated, 1)
    assert.deepEqual(peers.map(({ statuses }) => statuses).filter(one => Object.keys(one).length > 0), [{ pin_error: 1 }])
  })

  it('is told to metrics without a wait', async () => {
    const { cluster, settle } = await withLostPeer()

    const before = cluster.underReplicated()
    await settle()

    assert.deepEqual([before, cluster.underReplicated()], [undefined, 2])
  })

  it('is looked at once by all who ask at the same time, and again when it is old', async () => {
    const made = await open(1)
    let scans = 0
    const { state } = made.consensus
    const pins = state.pins.bind(state)
    state.pins = call => {
      scans++
      return pins(call)
    }

    await Promise.all([made.cluster.pinsHealth(), made.cluster.pinsHealth()])
    const ofTwo = scans
    await made.clock.advance(60_000)
    scans = 0
    await made.cluster.pinsHealth()

    assert.ok(scans > 0)
    assert.equal(ofTwo, scans)
  })

  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`is looked at when it is old, and not before, though the clock is set by ${wrongMs} ms`, async () => {
      const { cluster, clock, consensus } = await open(1)
      let scans = 0
      const { state } = consensus
      const pins = state.pins.bind(state)
      state.pins = call => {
        scans++
        return pins(call)
      }
      await cluster.pinsHealth()
      const first = scans
      clock.wrongMs = wrongMs

      await cluster.pinsHealth()
      const atOnce = scans - first
      await clock.advance(60_000)
      await cluster.pinsHealth()

      assert.deepEqual([atOnce, scans > first], [0, true])
    })
  }
})

describe('a look that serves again', () => {
  it('knows at once who has come and gone since, and looks again soon when somebody has', async () => {
    const { cluster, clock, lose, monitor, one, three } = await withLostPeer()
    const before = await cluster.pinsHealth()
    await lose(2)

    const soon = await cluster.pinsHealth()
    await clock.advance(5000)
    monitor.beat(one, { peerName: 'peer0' })
    const later = await cluster.pinsHealth()

    const isMissing = ({ peers }: typeof before): boolean | undefined => peers.find(({ peer }) => peer === three)?.isMissing
    assert.deepEqual([before, soon, later].map(isMissing), [false, true, true])
    assert.deepEqual([before, soon, later].map(({ underReplicated }) => underReplicated), [2, 2, 3])
  })
})

describe('lists with missing peers', () => {
  it('are as Go has them unless they are asked for', async () => {
    const { cluster, two, ids } = await withLostPeer()

    const plain = await collect(cluster.statusAll(0))
    const peers = []
    for await (const { id } of cluster.peers()) peers.push(id)

    assert.ok(plain.every(({ peerMap }) => !peerMap.has(two)))
    assert.deepEqual(peers.toSorted(), ids.filter(id => id !== two).toSorted())
  })

  it('have a row for each allocated peer that is gone, as the status of one pin has it', async () => {
    const { cluster, two } = await withLostPeer()

    const rows = await collect(cluster.statusAll(0, { missing: true }))
    const shown = Object.fromEntries(rows.map(({ name, peerMap }) => [name, peerMap.get(two)?.status]))
    const alone = await cluster.status(aCid('both'))

    assert.deepEqual(shown, { both: 'cluster_error', lost: 'cluster_error', fine: undefined, everywhere: undefined })
    assert.equal(alone.peerMap.get(two)?.status, 'cluster_error')
    assert.match(
      rows.find(({ name }) => name === 'both')?.peerMap.get(two)?.error ?? '',
      /^the peer is missing: it was heard last at 1970-01-01T00:00:00Z$/
    )
    assert.deepEqual(rows.filter(isUnderReplicated).map(({ name }) => name).toSorted(), ['both', 'lost'])
  })

  it('lack no copy because a peer that is not to have them does not answer', async () => {
    const { cluster, two } = await withLostPeer()
    const fine = (await collect(cluster.statusAll(0))).find(({ name }) => name === 'fine') ?? assert.fail('fine is not listed')
    const answer = fine.peerMap.values().next().value ?? assert.fail('nobody answered')
    const peerMap = new Map(fine.peerMap).set(two, { ...answer, status: 'cluster_error' })
    const ofAllocations = (allocations: string[] | null): boolean => isUnderReplicated({ peerMap, allocations })

    assert.deepEqual([fine.allocations, [two], [], null].map(ofAllocations), [false, true, true, true])
  })

  it('find the pins of missing peers by the filter', async () => {
    const { cluster } = await withLostPeer()
    const named = async (filter: number): Promise<string[]> => (
      await collect(cluster.statusAll(filter, { missing: true }))
    ).map(({ name }) => name).toSorted()

    assert.deepEqual([await named(trackerStatuses.cluster_error), await named(trackerStatuses.pin_error)], [['both', 'lost'], []])
  })

  it('name the peers that are gone, with why', async () => {
    const { cluster, two } = await withLostPeer()

    const gone = []
    for await (const info of cluster.peers({ missing: true })) if (info.id === two) gone.push([info.peerName, info.error])

    assert.deepEqual(gone, [['peer1', 'the peer is missing: it was heard last at 1970-01-01T00:00:00Z']])
  })
})
