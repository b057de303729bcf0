import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import type { Datastore } from '../../../src/datastore/datastore.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, collect, factors, options } from '../../support/cluster/values.ts'
import { SimDisk } from '../../support/sim-disk.ts'

const open = clusterOpener()

describe('removing a peer', () => {
  it('refuses this peer and unknown ones', async () => {
    const { cluster, ids } = await open(2)

    const own = cluster.removePeer(ids[0] ?? '')
    const unknown = cluster.removePeer(aPeerId('nobody'))

    await assert.rejects(own, { code: 'INVALID_ARGUMENT' })
    await assert.rejects(unknown, { code: 'NOT_FOUND' })
  })

  it('forgets a peer that is gone and holds nothing, once it was heard', async () => {
    const { cluster, clock, ids, lose } = await open(2)
    await lose(1)
    const missed = async (): Promise<number> => (await collect(cluster.peers({ missing: true }))).length

    const before = await missed()
    await cluster.removePeer(ids[1] ?? '')
    await clock.advance(6000)

    assert.deepEqual([before, await missed()], [2, 1])
  })

  it('is missed by nobody once it is gone, whoever removed it and whenever it goes; the drain of another one ends', async () => {
    const { cluster, clock, peerAt, ids: [one = '', two = '', three = ''], lose, monitor, settle } = await open(4)
    const missedBy = async (at: number): Promise<string[]> => (await collect(peerAt(at).cluster.peers({ missing: true })))
      .filter(({ error }) => error.includes('is missing')).map(({ id }) => id)
    await peerAt(3).cluster.drainPeer(three, {})
    await lose(1)
    await lose(2)
    const before = await missedBy(3)
    await cluster.removePeer(two)
    await cluster.removePeer(three)
    monitor.beat(one, { peerName: 'peer0', removed: cluster.removedPeers() })
    await settle()
    await clock.advance(6000) // looks serve again that long

    assert.deepEqual(before.toSorted(), [two, three].toSorted())
    assert.deepEqual([await missedBy(0), await missedBy(3), peerAt(3).cluster.drains()], [[], [], []])
    await cluster.removePeer(two) // once more is fine
    monitor.beat(two, { peerName: 'peer1' })
    assert.deepEqual(cluster.removedPeers(), [three], 'who comes back is like any other')
  })

  it('is not missed either when it goes after it was removed', async () => {
    const { cluster, ids: [, two = ''], lose } = await open(3)
    await cluster.removePeer(two)
    const whileItRuns = cluster.removedPeers()
    await lose(1)

    assert.deepEqual(whileItRuns, [], 'others, whose clocks are ahead, would forget it between two pings')
    assert.deepEqual((await collect(cluster.peers({ missing: true }))).filter(({ id }) => id === two), [])
    assert.deepEqual(cluster.removedPeers(), [two])
  })

  it('gets pins again as soon as it comes back, when it was away as it was removed', async () => {
    const { cluster, ids: [, two = ''], lose, monitor, unreachable } = await open(2)
    await lose(1)
    await cluster.removePeer(two)
    unreachable.delete(two)
    monitor.beat(two, { peerName: 'peer1' })

    const { allocations } = await cluster.pin(aCid(), options(factors(2)))

    assert.ok(allocations.includes(two))
  })

  it('moves its pins: the old holder goes when the new one has the content', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options(factors(1)))
    await made.settle()
    const { cluster } = made.peerAt(1)

    const removal = cluster.removePeer(made.ids[0] ?? '')
    await made.settle()
    const between = cluster.allocation(aCid()).allocations
    await made.clock.advance(1000)
    await removal

    assert.deepEqual([between, cluster.allocation(aCid()).allocations], [[made.ids[1], made.ids[0]], [made.ids[1]]])
    await made.settle()
    assert.deepEqual(made.peers.map(({ ipfs }) => ipfs.roots.size), [0, 1, 0])
  })

  it('undoes neither a change nor an unpin that comes while the new holder is asked', async () => {
    const made = await open(3)
    for (const name of ['renamed', 'unpinned']) await made.cluster.pin(aCid(name), options(factors(1)))
    await made.settle()
    const { cluster, tracker } = made.peerAt(1)
    const status = tracker.status.bind(tracker)
    tracker.status = async cid => {
      if (cid.equals(aCid('unpinned')) && made.pinset.pins.has(cid.toString())) await cluster.unpin(cid)
      if (cid.equals(aCid('renamed')) && cluster.allocation(cid).name === '') {
        await made.peerAt(1).consensus.put({ ...cluster.allocation(cid), name: 'newer' })
      }
      return status(cid)
    }

    const removal = cluster.removePeer(made.ids[0] ?? '')
    await made.clock.advance(5000)
    await removal

    const [renamed, ...others] = [...made.pinset.pins.values()]
    assert.deepEqual([renamed?.name, renamed?.allocations, others], ['newer', [made.ids[1]], []])
  })

  it('says how many are left when it takes longer, and goes on by itself', async () => {
    const made = await open(2)
    await made.cluster.pin(aCid(), options(factors(1)))
    await made.settle()
    const other = made.peerAt(1)
    other.tracker.paused = true

    const removal = other.cluster.removePeer(made.ids[0] ?? '')
    const refusal = assert.rejects(removal, { code: 'PEER_IN_USE', details: { peer: made.ids[0] ?? '', left: 1 } })
    await made.clock.advance(15_000)
    await refusal
    await other.tracker.resume()
    await made.clock.advance(31_000)

    assert.deepEqual(other.cluster.allocation(aCid()).allocations, [made.ids[1]])
  })

  it('leaves what has no other candidate where it is', async () => {
    const made = await open(2)
    await made.cluster.pin(aCid(), options(factors(2)))

    const removal = made.cluster.removePeer(made.ids[1] ?? '')
    const refusal = assert.rejects(removal, { code: 'PEER_IN_USE' })
    await made.clock.advance(15_000)
    await refusal

    assert.deepEqual(made.cluster.allocation(aCid()).allocations, made.ids)
  })

  it('keeps new pins off the peer, until it was away', async () => {
    const made = await open(3)
    const [first = ''] = made.ids
    const { cluster } = made.peerAt(1)
    await cluster.removePeer(first)

    const without = await cluster.pin(aCid('1'), options(factors(1, 3)))
    made.monitor.expire(first)
    made.monitor.beat(first, { freeSpace: 1n })
    const withIt = await cluster.pin(aCid('2'), options(factors(1, 3)))

    assert.deepEqual([without.allocations, withIt.allocations], [made.ids.slice(1), [...made.ids.slice(1), first]])
    assert.equal((await collect(cluster.peers())).length, 3)
  })

  it('leaves a pin as many holders as it had, where there are candidates', async () => {
    const made = await open(3)
    const [first = '', ...others] = made.ids
    await made.cluster.pin(aCid('some'), options(factors(1, 2)))
    await made.cluster.pin(aCid('all'), options(factors(1, 3)))
    await made.settle()
    const { cluster } = made.peerAt(1)

    const removal = cluster.removePeer(first)
    await made.clock.advance(5000)
    await removal

    assert.deepEqual(
      ['some', 'all'].map(name => cluster.allocation(aCid(name)).allocations.toSorted()), [others.toSorted(), others.toSorted()]
    )
  })

  it('moves at once what a dead peer holds', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options(factors(1)))
    await made.lose(0)
    const { cluster } = made.peerAt(1)

    await cluster.removePeer(made.ids[0] ?? '')

    assert.deepEqual(cluster.allocation(aCid()).allocations, [made.ids[1]])
  })
})

describe('a removal that is cut off', () => {
  const halfWay = async (deps?: { datastore: Datastore }) => {
    const made = await open(3, deps == null ? {} : { deps })
    await made.cluster.pin(aCid(), options(factors(1)))
    await made.settle()
    made.peerAt(1).tracker.paused = true
    const patience = new AbortController()
    const removal = made.peerAt(1).cluster.removePeer(made.ids[0] ?? '', { signal: patience.signal })
    await made.settle()
    const between = made.cluster.allocation(aCid()).allocations
    patience.abort(new Error('the user has left'))
    await assert.rejects(removal, { message: 'the user has left' })
    await made.peerAt(1).tracker.resume()
    return { ...made, between }
  }

  it('goes on when nobody waits for it any more', async () => {
    const { cluster, ids, between, clock } = await halfWay()

    await clock.advance(31_000)

    assert.deepEqual([between, cluster.allocation(aCid()).allocations], [[ids[1], ids[0]], [ids[1]]])
  })

  it('goes on after a restart', async () => {
    const datastore = new SimDisk().datastore()
    await datastore.start(new AbortController().signal)
    const first = await halfWay({ datastore })
    await first.close()

    const second = await open(3, { deps: { datastore } })
    await second.peerAt(1).consensus.put(first.cluster.allocation(aCid()))
    await second.settle()
    await second.clock.advance(31_000)

    assert.deepEqual(second.cluster.allocation(aCid()).allocations, [second.ids[1]])
  })

  it('is finished by another one', async () => {
    const { ids, cluster, clock, peerAt } = await halfWay()

    const removal = peerAt(2).cluster.removePeer(ids[0] ?? '')
    await clock.advance(1000)
    await removal

    assert.deepEqual(cluster.allocation(aCid()).allocations, [ids[1]])
  })
})

describe('removals that get in each other\'s way', () => {
  it('come to an end', async () => {
    const made = await open(2)
    for (let at = 0; at < 5; at++) await made.cluster.pin(aCid(at), options(factors(1)))
    await made.cluster.pin(aCid('immovable'), options(factors(2)))
    await made.settle()
    const [one = '', other = ''] = made.ids

    await Promise.all([
      assert.rejects(made.peerAt(0).cluster.removePeer(other), { code: 'PEER_IN_USE' }),
      assert.rejects(made.peerAt(1).cluster.removePeer(one), { code: 'PEER_IN_USE' }),
      made.clock.advance(1_800_000)
    ])

    const { commits } = made.pinset
    await made.clock.advance(3_600_000)
    assert.equal(made.pinset.commits, commits)
    assert.ok([...made.pinset.pins.values()].every(({ allocations, replicationFactorMax }) => allocations.length === replicationFactorMax))
  })

  /** A removal of the first peer, asked of the last, while the second says of everything that it isn't its own. */
  const withDenier = async (count: number, denial: Partial<PinInfo> = { status: 'remote' }) => {
    const made = await open(count)
    const { tracker } = made.peerAt(1)
    const status = tracker.status.bind(tracker)
    tracker.status = async cid => ({ ...await status(cid), ...denial })
    return { ...made, asked: made.peerAt(count - 1) }
  }

  for (const aheadMs of [0, 400 * 86_400_000]) {
    it(`take an item back from a holder that does not know of it for long, pinned ${aheadMs} ms ahead`, async () => {
      const made = await withDenier(3)
      await made.cluster.pin(aCid(), options(factors(1)))
      await made.settle()
      for (const [key, pin] of made.pinset.pins) made.pinset.pins.set(key, { ...pin, timestamp: pin.timestamp + aheadMs })
      const [first = '', second = '', third = ''] = made.ids

      const refusal = assert.rejects(made.asked.cluster.removePeer(first), { code: 'PEER_IN_USE' })
      await made.clock.advance(300_000)
      await refusal
      const before = made.cluster.allocation(aCid()).allocations
      await made.clock.advance(1_800_000)

      assert.deepEqual([before, made.cluster.allocation(aCid()).allocations], [[second, first], [third]])
    })
  }

  const denials: Array<[string, Partial<PinInfo>]> = [
    ['that it is not its own', { status: 'remote' }],
    ['that it has it for another version of the pin', { status: 'pinned', allocations: [] }]
  ]
  for (const [what, denial] of denials) {
    it(`leave an item where it is when a holder says ${what} and nobody else takes it, and try no more`, async () => {
      const made = await withDenier(3, denial)
      for (const name of ['a', 'b']) await made.cluster.pin(aCid(name), options(factors(2)))
      await made.settle()
      await made.asked.consensus.put({ ...made.cluster.allocation(aCid('a')), allocations: [made.ids[0] ?? '', made.ids[2] ?? ''] })
      const refusal = assert.rejects(made.asked.cluster.removePeer(made.ids[0] ?? ''), { code: 'PEER_IN_USE' })
      await made.clock.advance(7_200_000)
      await refusal
      const { commits } = made.pinset

      await made.clock.advance(7_200_000)

      assert.equal(made.pinset.commits, commits)
      assert.ok(
        [...made.pinset.pins.values()].every(({ allocations }) => allocations.length === 2 && allocations.includes(made.ids[0] ?? ''))
      )
    })
  }

  it('give nothing to peers that do not answer', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options(factors(1)))
    await made.settle()
    made.unreachable.set(made.ids[1] ?? '', new ClusterError('NOT_AUTHORIZED'))

    const refusal = assert.rejects(made.peerAt(2).cluster.removePeer(made.ids[0] ?? ''), { code: 'PEER_IN_USE' })
    await made.clock.advance(15_000)
    await refusal

    assert.deepEqual(made.cluster.allocation(aCid()).allocations, [made.ids[0]])
  })
})

describe('a removal whose holders go down meanwhile', () => {
  /** The third peer moves a pin off the second; it has not got the content yet, and the first has it. */
  const halfMoved = async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options(factors(2)))
    await made.settle()
    const [first = '', second = '', third = ''] = made.ids
    const asked = made.peerAt(2)
    asked.tracker.paused = true
    const refusal = assert.rejects(asked.cluster.removePeer(second), { code: 'PEER_IN_USE' })
    await made.clock.advance(15_000)
    await refusal
    assert.deepEqual(made.cluster.allocation(aCid()).allocations, [first, third, second])
    return { ...made, asked, first, second, third, holders: () => asked.cluster.allocation(aCid()).allocations }
  }

  it('goes on when they come back', async () => {
    const { monitor, clock, asked, first, third, holders } = await halfMoved()

    monitor.expire(first)
    await clock.advance(300_000)
    const meanwhile = holders().length
    monitor.beat(first)
    await asked.tracker.resume()
    await clock.advance(300_000)

    assert.deepEqual([meanwhile, holders()], [3, [first, third]])
  })

  it('leaves a pin those that live, and no more than it may have', async () => {
    const { monitor, clock, first, second, third, holders } = await halfMoved()

    monitor.expire(first)
    await clock.advance(1_800_000)

    assert.deepEqual(holders(), [third, second])
  })

  it('takes a pin off the peer rather than off another one that is down', async () => {
    const { monitor, clock, first, second, third, holders } = await halfMoved()

    monitor.expire(first)
    monitor.expire(second)
    await clock.advance(1_800_000)

    assert.deepEqual(holders(), [third, first])
  })

  it('comes to an end when they come and go', async () => {
    const { pinset, monitor, clock, first, holders } = await halfMoved()
    const rounds = async (): Promise<void> => {
      for (let round = 0; round < 6; round++) {
        monitor.beat(first)
        await clock.advance(300_000)
        monitor.expire(first)
        await clock.advance(1_800_000)
      }
    }
    await rounds()
    const { commits } = pinset

    await rounds()

    assert.deepEqual([pinset.commits, holders().length], [commits, 2])
  })
})
