import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RebalanceStatus } from '../../../src/cluster/cluster-api.ts'
import type { TestClusterOptions } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aMetric, SharedMonitor } from '../../support/cluster/shared-monitor.ts'
import { aCid, aPin, factors, options } from '../../support/cluster/values.ts'
import { memoryDatastore } from '../../support/memory-datastore.ts'

const openCluster = clusterOpener()

async function open (count: number, settings?: TestClusterOptions) {
  const made = await openCluster(count, settings)
  const { cluster } = made
  const [one = '', two = '', three = ''] = made.ids
  const heldBy = (peer: string): number => [...made.pinset.pins.values()].filter(({ allocations }) => allocations.includes(peer)).length
  const until = async (state: RebalanceStatus['state']): Promise<RebalanceStatus> => {
    for (let tries = 0; tries < 2000 && cluster.rebalanceStatus().state !== state; tries++) await made.clock.advance(500)
    assert.equal(cluster.rebalanceStatus().state, state)
    return cluster.rebalanceStatus()
  }
  const pinOn = async (pins: number, name: string, ...peers: string[]): Promise<void> => {
    for (let at = 0; at < pins; at++) {
      await made.peerAt(0).consensus.put(aPin({ cid: aCid(`${name} ${at}`), ...options(factors(peers.length)), allocations: peers }))
    }
    await made.settle()
  }
  return { ...made, one, two, three, heldBy, until, pinOn }
}

describe('a rebalance', () => {
  it('gives a new peer its share, each pin without being on fewer peers than it shall be', async () => {
    const { cluster, one, two, three, heldBy, until, pinOn, peers, pinset } = await open(3)
    await pinOn(30, 'a', one)
    await pinOn(30, 'b', two)
    const broken: string[] = []
    pinset.changes.add(([change]) => {
      const { allocations = [], cid } = change?.pin ?? {}
      if (!peers.some(({ id, ipfs }) => allocations.includes(id) && ipfs.roots.has(String(cid)))) broken.push(String(cid))
    })

    const plan = await cluster.planRebalance({})
    const untouched = heldBy(three)
    const begun = await cluster.rebalance({})
    const done = await until('done')

    assert.deepEqual([plan.count, plan.moves.length, plan.pins, untouched], [20, 20, 60, 0])
    assert.deepEqual(
      plan.peers.map(({ pins, goal, after: then }) => [pins, goal, then]).toSorted(), [[0, 20, 20], [30, 20, 20], [30, 20, 20]]
    )
    assert.deepEqual([begun.state, done.moved, done.planned, done.failed], ['planning', 20, 20, 0])
    assert.deepEqual([one, two, three].map(heldBy), [20, 20, 20])
    assert.deepEqual(broken, [])
  })

  it('does nothing to a cluster that is in balance', async () => {
    const { cluster, one, two, until, pinOn, pinset } = await open(2)
    await pinOn(10, 'a', one)
    await pinOn(10, 'b', two)
    const { commits } = pinset

    await cluster.rebalance({})
    const { moved, planned } = await until('done')

    assert.deepEqual([moved, planned, pinset.commits], [0, 0, commits])
  })

  it('spreads copies over the values of a tag', async () => {
    const { cluster, monitor, ids, one, two, until, pinOn, pinset } = await open(4)
    for (const [at, peer] of ids.entries()) {
      monitor.log(aMetric('tag:region', peer, { value: at < 2 ? 'north' : 'south', partitionable: true }))
    }
    await pinOn(10, 'a', one, two)

    await cluster.rebalance({ by: ['region'] })
    await until('done')

    const regions = [...pinset.pins.values()].map(({ allocations }) => new Set(allocations.map(peer => ids.indexOf(peer) < 2)).size)
    assert.deepEqual(regions, Array.from({ length: 10 }, () => 2))
    await assert.rejects(cluster.planRebalance({ by: ['planet'] }), { code: 'INVALID_ARGUMENT', message: 'no peer has the tag planet' })
  })

  it('leaves out peers that are drained', async () => {
    const { cluster, one, two, three, heldBy, until, pinOn } = await open(3)
    await cluster.drainPeer(three, {})
    await pinOn(20, 'a', one)

    await cluster.rebalance({})
    await until('done')

    assert.deepEqual([one, two, three].map(heldBy), [10, 10, 0])
  })

  it('leaves pins where they are that can not move, and says how many', async () => {
    const { cluster, one, two, heldBy, until, pinOn, monitor } = await open(2)
    await pinOn(10, 'a', one)
    const plan = await cluster.planRebalance({})
    await cluster.rebalance({})
    monitor.expire(two)
    const { moved, failed, reason } = await until('done')

    assert.deepEqual([plan.count, moved, failed, heldBy(one)], [5, 0, 5, 10])
    assert.match(reason, /not enough peers|can not be chosen/)
  })

  it('takes pins back from a peer that goes in the middle of their move, after a minute, and says why they wait until then', async () => {
    const { cluster, clock, one, two, three, heldBy, until, pinOn, lose, peerAt } = await open(3)
    await pinOn(6, 'a', one)
    peerAt(2).tracker.paused = true
    await cluster.rebalance({})
    await clock.advance(5000)
    const given = heldBy(three)
    await lose(2)
    await clock.advance(20_000)
    const waiting = cluster.rebalanceStatus()
    const done = await until('done')

    assert.ok(given > 0, 'it was given some')
    assert.deepEqual([waiting.state, waiting.inTransit], ['moving', given])
    assert.match(waiting.reason, new RegExp(`^peer ${three}: `))
    assert.deepEqual([done.failed, heldBy(three), heldBy(one) + heldBy(two)], [given, 0, 6])
  })

  it('can be ended, and begins no more moves then', async () => {
    const { cluster, clock, one, heldBy, two, pinOn } = await open(2)
    await pinOn(20, 'a', one)
    await cluster.rebalance({ maxPinsPerSecond: 1 })
    await assert.rejects(cluster.rebalance({}), { code: 'CONFLICT' })
    await clock.advance(3000)

    const { state } = await cluster.cancelRebalance()
    await clock.advance(60_000)

    assert.equal(state, 'cancelled')
    assert.ok(heldBy(two) >= 2 && heldBy(two) <= 5, `${heldBy(two)}`)
  })

  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`keeps its pace though the clock is set by ${wrongMs} ms`, async () => {
      const { cluster, clock, one, two, heldBy, until, pinOn } = await open(2)
      await pinOn(20, 'a', one)
      await cluster.rebalance({ maxPinsPerSecond: 1 })
      await clock.advance(1500)
      const before = heldBy(two)
      clock.wrongMs = wrongMs

      await clock.advance(1000)
      const soon = heldBy(two)
      const from = clock.elapsed()
      await until('done')

      assert.ok(soon - before <= 2, `${soon - before} in a second`)
      assert.ok(clock.elapsed() - from < 20_000, `${clock.elapsed() - from} ms`)
    })
  }

  it('goes on after a restart', async () => {
    const datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    const before = await open(2, { deps: { datastore } })
    await before.pinOn(20, 'a', before.one)
    await before.cluster.rebalance({ maxPinsPerSecond: 1 })
    await before.clock.advance(2500)
    await before.close()

    const moving = before.heldBy(before.two)
    const { one, two, heldBy, until, clock, peers } = await open(2, { deps: { datastore }, pinset: before.pinset })
    for (const { ipfs, id } of peers) {
      for (const { cid, allocations } of before.pinset.pins.values())
        if (allocations.includes(id)) ipfs.roots.set(cid.toString(), 'recursive')
    }
    const { maxPinsPerSecond } = await until('done')
    await clock.advance(5000) // moves of the earlier run end by themselves

    assert.ok(moving > 0 && moving < 10, `${moving}`)
    assert.deepEqual([heldBy(one), heldBy(two), maxPinsPerSecond], [10, 10, 1])
  })

  for (const comesBack of [true, false]) {
    it(`waits after a restart for the peers that there were${comesBack ? '' : ', a minute at most'}`, async () => {
      const datastore = memoryDatastore()
      await datastore.start(new AbortController().signal)
      const before = await open(3, { deps: { datastore } })
      await before.pinOn(30, 'a', before.one)
      await before.cluster.rebalance({ maxPinsPerSecond: 1 })
      await before.clock.advance(2500)
      await before.close()

      const monitor = new SharedMonitor()
      monitor.beat(before.one, { freeSpace: 1000n })
      monitor.beat(before.two, { freeSpace: 1000n })
      const { cluster, three, heldBy, until, clock } = await open(3, { deps: { datastore, monitor }, pinset: before.pinset })
      await clock.advance(50_000)
      const waiting = cluster.rebalanceStatus()
      if (comesBack) monitor.beat(three, { freeSpace: 1000n })
      const { planned } = await until('done')

      assert.deepEqual([waiting.state, waiting.moved, waiting.reason], ['planning', 0, `peer ${three} was not heard since this peer began`])
      assert.ok(planned > 0)
      assert.equal(heldBy(three) > 8, comesBack)
    })
  }

  it('is nothing for followers, and has no status before the first one', async () => {
    const { cluster } = await open(1, { init: { followerMode: true } })

    await assert.rejects(cluster.rebalance({}), { code: 'FOLLOWER_MODE' })
    assert.throws(() => cluster.rebalanceStatus(), { code: 'NOT_FOUND' })
  })
})
