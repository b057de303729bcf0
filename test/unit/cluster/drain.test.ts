import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DrainStatus } from '../../../src/cluster/cluster-api.ts'
import { memoryDatastore } from '../../support/memory-datastore.ts'
import { isEverywhere } from '../../../src/model/pin.ts'
import type { TestClusterOptions } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, factors, options } from '../../support/cluster/values.ts'

const openCluster = clusterOpener()

async function open (count: number, settings?: TestClusterOptions) {
  const made = await openCluster(count, settings)
  const { cluster } = made
  const [one = '', two = '', three = '', four = ''] = made.ids
  const heldBy = (peer: string): number => [...made.pinset.pins.values()].filter(({ allocations }) => allocations.includes(peer)).length
  const until = async (holds: (status: DrainStatus) => boolean, peer: string): Promise<DrainStatus> => {
    for (let tries = 0; tries < 3000 && !holds(cluster.drainOf(peer)); tries++) await made.clock.advance(200)
    const status = cluster.drainOf(peer)
    assert.ok(holds(status), JSON.stringify(status))
    return status
  }
  const pinMany = async (pins: number, min: number, max = min): Promise<void> => {
    for (let at = 0; at < pins; at++) await cluster.pin(aCid(at), options(factors(min, max)))
    await made.settle()
  }
  return { ...made, one, two, three, four, heldBy, until, pinMany }
}

const isDrained = ({ state }: DrainStatus): boolean => state === 'drained'

describe('draining a peer', () => {
  it('moves all of its pins to others, and never takes one away before the others have it', async () => {
    const told: string[] = []
    const { cluster, one, heldBy, until, pinMany, peers, pinset } = await open(4, {
      deps: { onDrain: ({ state }) => { told.push(state) } }
    })
    await pinMany(40, 2)
    const broken: string[] = []
    pinset.changes.add(([change]) => {
      const { allocations = [], replicationFactorMin = 0, cid } = change?.pin ?? {}
      const having = peers.filter(({ id, ipfs }) => allocations.includes(id) && ipfs.roots.has(String(cid))).length
      if (having < replicationFactorMin) broken.push(`${String(cid)} on ${having}`)
    })

    const begun = await cluster.drainPeer(one, {})
    const ended = await until(isDrained, one)
    assert.deepEqual(told, ['draining', 'drained'])

    assert.deepEqual([begun.pins, begun.state, begun.left], [40, 'draining', 40])
    assert.deepEqual([ended.left, ended.moved, ended.fewer, heldBy(one)], [0, 40, 0, 0])
    assert.deepEqual(broken, [])
    assert.ok([...pinset.pins.values()].every(({ allocations }) => allocations.length === 2))
  })

  it('spreads what moves at the same time over those that have as much room', async () => {
    const { cluster, one, two, three, heldBy, until, settle, monitor } = await open(3)
    for (const peer of [one, two, three]) monitor.beat(peer, { freeSpace: 1_000_000n })
    for (let at = 0; at < 8; at++) await cluster.pin(aCid(at), { ...options(factors(1)), userAllocations: [one] })
    await settle()

    await cluster.drainPeer(one, {})
    await until(isDrained, one)

    assert.deepEqual([one, two, three].map(heldBy), [0, 4, 4])
  })

  it('gives the peer nothing new while it is drained and after, until that is cancelled', async () => {
    const { cluster, one, heldBy, until } = await open(3)
    await cluster.drainPeer(one, {})
    await until(isDrained, one)

    await cluster.pin(aCid('new'), options(factors(1)))
    const during = heldBy(one)
    await cluster.cancelDrain(one)
    await cluster.pin(aCid('newer'), options(factors(1)))

    assert.deepEqual([during, heldBy(one)], [0, 1])
    assert.throws(() => cluster.drainOf(one), { code: 'NOT_FOUND' })
    assert.deepEqual(cluster.drains(), [])
  })

  it('moves again what others allocate to the drained peer all the same', async () => {
    const { cluster, one, two, heldBy, until, peerAt } = await open(4)
    await cluster.drainPeer(one, {})
    await until(isDrained, one)

    await peerAt(1).consensus.put({ ...await cluster.pin(aCid('x'), options(factors(2))), allocations: [one, two] })
    const again = cluster.drainOf(one).state
    await until(isDrained, one)

    assert.deepEqual([again, heldBy(one)], ['draining', 0])
  })

  it('counts pins that go everywhere, and ends only when another peer has them', async () => {
    const { cluster, one, settle, until, peerAt, pinset } = await open(2)
    for (const at of [0, 1]) peerAt(at).ipfs.broken.add(aCid().toString())
    await cluster.pin(aCid(), options())
    await settle()

    await cluster.drainPeer(one, {})
    const waiting = await until(({ state }) => state === 'waiting', one)
    peerAt(1).ipfs.broken.clear()
    await peerAt(1).tracker.recover(aCid())
    const ended = await until(isDrained, one)

    assert.match(waiting.reason, /no other peer has all pins that go everywhere: .* lacks 1/)
    assert.deepEqual([ended.everywhere, ended.pins, [...pinset.pins.values()].every(isEverywhere)], [1, 0, true])
  })

  it('chooses another peer for what the first one can not get, and says what waits when nobody can', async () => {
    const { cluster, one, two, four, settle, until, peerAt } = await open(4)
    await cluster.pin(aCid(), options({ ...factors(2), userAllocations: [one, two] }))
    await cluster.pin(aCid('other'), options({ ...factors(2), userAllocations: [one, two] }))
    await settle()
    for (const at of [2, 3]) peerAt(at).ipfs.broken.add(aCid().toString())

    await cluster.drainPeer(one, {})
    const waiting = await until(({ left, reason }) => left === 1 && reason !== '', one)
    peerAt(3).ipfs.broken.clear()
    await peerAt(3).tracker.recover(aCid())
    await until(isDrained, one)

    assert.match(waiting.reason, new RegExp(`^pin ${aCid().toString()}: peer .*: the content is broken$`))
    assert.deepEqual([waiting.left, waiting.moved, waiting.leftMs], [1, 1, null])
    assert.deepEqual(cluster.allocation(aCid()).allocations, [two, four])
  })

  it('replaces a holder that is down, too, before it ends', async () => {
    const { cluster, one, two, three, four, settle, lose, until } = await open(4)
    await cluster.pin(aCid(), options({ ...factors(2), userAllocations: [one, two] }))
    await settle()
    await lose(1)

    await cluster.drainPeer(one, {})
    await until(isDrained, one)

    assert.deepEqual(cluster.allocation(aCid()).allocations.toSorted(), [three, four].toSorted())
  })

  it('ends at once for a peer that is missing and holds nothing', async () => {
    const { cluster, two, lose, until } = await open(3)
    await lose(1)

    const { pins } = await cluster.drainPeer(two, {})

    assert.deepEqual([pins, (await until(isDrained, two)).moved], [0, 0])
  })

  it('drains a dead peer only as fast as others get what it held', async () => {
    const { cluster, one, two, three, settle, lose, until, peerAt } = await open(3)
    await cluster.pin(aCid(), options({ ...factors(2), userAllocations: [one, two] }))
    await settle()
    await lose(1)
    peerAt(2).tracker.paused = true

    await cluster.drainPeer(two, {})
    await until(({ inTransit }) => inTransit === 1, two)
    const meanwhile = cluster.allocation(aCid()).allocations
    await peerAt(2).tracker.resume()
    await until(isDrained, two)

    assert.deepEqual([meanwhile, cluster.allocation(aCid()).allocations], [[one, two, three], [one, three]])
  })

  it('keeps to its limits, which can be changed while it runs', async () => {
    const { cluster, clock, one, until, pinMany } = await open(3)
    await pinMany(30, 1)

    await cluster.drainPeer(one, { maxPinsPerSecond: 2, atOnce: 1 })
    await clock.advance(5000)
    const slow = cluster.drainOf(one)
    await cluster.drainPeer(one, { maxPinsPerSecond: 0, atOnce: 8 })
    await clock.advance(5000)
    const quick = await until(isDrained, one)

    assert.ok(slow.moved >= 5 && slow.moved <= 11 && slow.inTransit <= 1, JSON.stringify(slow))
    assert.deepEqual([quick.moved, quick.atOnce], [30, 8])
  })

  it('goes on after a restart of the peer that drains, with its limits', async () => {
    const datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    const before = await open(3, { deps: { datastore } })
    await before.pinMany(20, 1)
    await before.cluster.drainPeer(before.one, { maxPinsPerSecond: 5 })
    await before.clock.advance(1000)
    await before.close()

    const { one, until } = await open(3, { deps: { datastore } })
    const resumed = await until(isDrained, one)

    assert.deepEqual([resumed.maxPinsPerSecond, resumed.pins], [5, 20])
  })

  it('stays cancelled after a restart, also when it kept its progress while the row went', async () => {
    const datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    const going = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const write = datastore.write.bind(datastore)
    datastore.write = async (batch, settings) => {
      await write(batch, settings)
      if (!batch.some(({ key, value }) => key.startsWith('drain/') && value == null)) return
      going.resolve()
      await gone.promise
    }
    const before = await open(3, { deps: { datastore } })
    await before.pinMany(20, 1)
    await before.cluster.drainPeer(before.one, { maxPinsPerSecond: 1 })
    await before.clock.advance(1000)

    const cancelled = before.cluster.cancelDrain(before.one)
    await before.clock.advance(100)
    await going.promise
    await before.clock.advance(5000)
    gone.resolve()
    await cancelled
    await before.close()

    const { cluster } = await open(3, { deps: { datastore } })
    assert.deepEqual(cluster.drains(), [])
  })

  it('waits once, not for each batch of pins, until it takes a copy away that nobody else can hold', async () => {
    const { cluster, clock, one, until, pinMany } = await open(3)
    await pinMany(40, 1, 3)
    const began = clock.elapsed()

    await cluster.drainPeer(one, { atOnce: 4 })
    await clock.advance(20_000)
    const { state, reason } = cluster.drainOf(one)
    const { fewer, reason: last } = await until(isDrained, one)
    const tookMs = clock.elapsed() - began

    assert.deepEqual([state, fewer, last], ['draining', 40, ''])
    assert.match(reason, /^pin \w+: no other peer can take it; when none can for 60 s, it has a copy less$/)
    assert.ok(tookMs >= 60_000 && tookMs < 120_000, `${tookMs} ms`)
  })

  it('says what a pin waits for that takes long', async () => {
    const { cluster, clock, one, two, three, settle, until, peerAt } = await open(3)
    await cluster.pin(aCid(), options({ ...factors(2), userAllocations: [one, two] }))
    await settle()
    peerAt(2).tracker.paused = true
    await cluster.drainPeer(one, {})
    await clock.advance(3000)
    const soon = cluster.drainOf(one).reason
    await clock.advance(10_000)
    const { state, inTransit, reason } = cluster.drainOf(one)
    await peerAt(2).tracker.resume()
    const ended = await until(isDrained, one)

    assert.deepEqual([soon, state, inTransit, reason], ['', 'draining', 1, `pin ${aCid().toString()}: peer ${three} has not got all of it yet`])
    assert.equal(ended.reason, '')
  })

  it('is refused when the others that hold a pin are being drained, too', async () => {
    const { cluster, one, two, pinMany } = await open(2)
    await pinMany(3, 1, 2)
    await cluster.drainPeer(one, {})

    await assert.rejects(cluster.drainPeer(two, {}), { code: 'NOT_ENOUGH_PEERS', message: /3 pins of the peer need up to 1 peer, and without it there are fewer: add a peer first/ })
  })

  it('gives back, when it is cancelled, what pins in transit have too much', async () => {
    const { cluster, clock, one, two, settle, peerAt } = await open(3)
    await cluster.pin(aCid(), options({ ...factors(2), userAllocations: [one, two] }))
    await settle()
    peerAt(2).tracker.paused = true
    await cluster.drainPeer(one, {})
    await clock.advance(2000)
    const inTransit = cluster.allocation(aCid()).allocations.length

    await cluster.cancelDrain(one)

    assert.deepEqual([inTransit, cluster.allocation(aCid()).allocations], [3, [one, two]])
  })

  it('is refused when the other peers are too few, for strangers, followers and wrong limits, and changes nothing', async () => {
    const { cluster, one, two, pinMany, pinset } = await open(2)
    await pinMany(3, 2)
    const { commits } = pinset

    await assert.rejects(cluster.drainPeer(one, {}), { code: 'NOT_ENOUGH_PEERS', message: /3 pins of the peer need up to 2 peers/ })
    await assert.rejects(cluster.drainPeer(aPeerId(9), {}), { code: 'NOT_FOUND' })
    await assert.rejects(cluster.drainPeer(two, { atOnce: 0 }), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(cluster.drainPeer(two, { maxPinsPerSecond: -1 }), { code: 'INVALID_ARGUMENT' })
    assert.deepEqual([pinset.commits, cluster.drains()], [commits, []])
    const follower = await open(2, { init: { followerMode: true } })
    await assert.rejects(follower.cluster.drainPeer(follower.two, {}), { code: 'FOLLOWER_MODE' })
  })

  it('is known to the others by the ping of who drains: they give the peer nothing new and do not drain it, too', async () => {
    const { cluster, monitor, one, two, three, heldBy, peerAt } = await open(4)
    await cluster.drainPeer(two, {})
    monitor.beat(one, { peerName: 'peer0', freeSpace: 1n, draining: peerAt(0).cluster.drainsOf() })

    for (let at = 0; at < 5; at++) await peerAt(2).cluster.pin(aCid(at), options(factors(2)))

    assert.equal(heldBy(two), 0)
    await assert.rejects(peerAt(2).cluster.drainPeer(two, {}), { code: 'CONFLICT', message: new RegExp(`${one} drains it already`) })
    assert.throws(() => peerAt(2).cluster.drainOf(two), { code: 'CONFLICT' })
    assert.equal(peerAt(2).cluster.isDraining(two), true)
    assert.equal(peerAt(2).cluster.isDraining(three), false)
  })
})
