import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryDatastore } from '../../support/memory-datastore.ts'
import type { TestClusterOptions } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, aPeerId, collect, factors, options } from '../../support/cluster/values.ts'

const openCluster = clusterOpener()

async function open (count: number, settings?: TestClusterOptions) {
  const made = await openCluster(count, settings)
  const { cluster } = made
  const [one = '', two = '', three = '', four = ''] = made.ids
  return { ...made, one, two, three, four, allocations: () => cluster.allocation(aCid()).allocations }
}

describe('moving a pin', () => {
  it('gives it to the new peer first, and takes it from the old one when that has it', async () => {
    const { cluster, clock, settle, one, two, three, allocations, peerAt } = await open(3)
    await cluster.pin(aCid(), options(factors(2)))
    peerAt(2).ipfs.broken.add(aCid().toString())
    await settle()

    const moved = await cluster.movePin(aCid(), { from: one, to: [three] })
    await clock.advance(4000)
    const waiting = allocations()
    peerAt(2).ipfs.broken.clear()
    await cluster.recover(aCid())
    await clock.advance(4000)

    assert.deepEqual(moved.allocations, [two, three, one])
    assert.deepEqual([waiting, allocations()], [[two, three, one], [two, three]])
  })

  it('lets the allocator choose', async () => {
    const { cluster, clock, settle, one, two, three, allocations } = await open(4)
    await cluster.pin(aCid(), options(factors(2)))
    await settle()

    await cluster.movePin(aCid(), { from: one, to: [] })
    await clock.advance(4000)

    assert.deepEqual(allocations(), [two, three])
  })

  it('takes it from a missing peer at once', async () => {
    const { cluster, settle, lose, one, two, three } = await open(3)
    await cluster.pin(aCid(), options(factors(2)))
    await settle()
    await lose(1)

    const moved = await cluster.movePin(aCid(), { from: two, to: [] })

    assert.deepEqual(moved.allocations, [one, three])
  })

  it('goes on after a restart', async () => {
    const datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    const before = await open(3, { deps: { datastore } })
    await before.cluster.pin(aCid(), options(factors(2)))
    await before.settle()
    before.peerAt(2).tracker.paused = true
    const { allocations: inTransit } = await before.cluster.movePin(aCid(), { from: before.one, to: [before.three] })
    await before.close()

    const { clock, two, three, peerAt, allocations } = await open(3, { deps: { datastore }, pinset: before.pinset })
    for (const at of [0, 1, 2]) peerAt(at).ipfs.roots.set(aCid().toString(), 'recursive')
    await clock.advance(4000)

    assert.deepEqual([inTransit.length, allocations()], [3, [two, three]])
    assert.deepEqual(await collect(datastore.keys({ from: 'move/', before: 'move0' })), [])
  })

  it('is refused for what can not be moved there, and changes nothing', async () => {
    const { cluster, settle, one, two, three, pinset } = await open(3)
    await cluster.pin(aCid(), options(factors(2)))
    await cluster.pin(aCid('everywhere'), options())
    await settle()
    const { commits } = pinset

    await assert.rejects(cluster.movePin(aCid('unknown'), { from: one, to: [] }), { code: 'NOT_PINNED' })
    await assert.rejects(cluster.movePin(aCid('everywhere'), { from: one, to: [] }), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(cluster.movePin(aCid(), { from: three, to: [] }), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(cluster.movePin(aCid(), { from: one, to: [two] }), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(
      cluster.movePin(aCid(), { from: one, to: [aPeerId(9)] }), { code: 'INVALID_ARGUMENT', message: /can not be chosen/ }
    )
    assert.equal(pinset.commits, commits)
  })

  it('needs a peer that can take it', async () => {
    const { cluster, settle, one } = await open(2)
    await cluster.pin(aCid(), options(factors(2)))
    await settle()

    await assert.rejects(cluster.movePin(aCid(), { from: one, to: [] }), { code: 'NOT_ENOUGH_PEERS' })
  })

  it('is nothing for followers', async () => {
    const { cluster, one } = await open(1, { init: { followerMode: true } })

    await assert.rejects(cluster.movePin(aCid(), { from: one, to: [] }), { code: 'FOLLOWER_MODE' })
  })
})
