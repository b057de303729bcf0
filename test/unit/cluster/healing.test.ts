import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HealingPolicy } from '../../../src/cluster/pinning/repin.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aCid, collect, factors, options } from '../../support/cluster/values.ts'
import { memoryDatastore } from '../../support/memory-datastore.ts'

const openCluster = clusterOpener()
const minuteMs = 60_000

async function open (count: number, policy: Partial<HealingPolicy>, pins = 20) {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const made = await openCluster(count, {
    init: { disableRepinning: false, healing: { afterMs: 0, maxPinsPerSecond: 0, whenBack: 'leave', ...policy } }, deps: { datastore }
  })
  for (let at = 0; at < pins; at++) await made.cluster.pin(aCid(at), options(factors(2)))
  await made.settle()
  const heldBy = (at: number): number =>
    [...made.pinset.pins.values()].filter(({ allocations }) => allocations.includes(made.ids[at] ?? '')).length
  const comeBack = (at: number): void => {
    made.unreachable.delete(made.ids[at] ?? '')
    made.monitor.beat(made.ids[at] ?? '', { peerName: `peer${at}`, freeSpace: 1n })
  }
  return { ...made, datastore, heldBy, comeBack }
}

describe('the healing policy', () => {
  it('waits for a peer as long as it says, and then gives its pins to others', async () => {
    const { clock, lose, heldBy } = await open(3, { afterMs: 10 * minuteMs })

    await lose(1)
    await clock.advance(9 * minuteMs)
    const before = heldBy(1)
    await clock.advance(2 * minuteMs)

    assert.deepEqual([before, heldBy(1), heldBy(2)], [20, 0, 20])
  })

  for (const wrongMs of [400 * 86_400_000, -400 * 86_400_000]) {
    it(`waits by the time that passes, though the clock is set wrong by ${wrongMs} ms meanwhile`, async () => {
      const { clock, lose, heldBy } = await open(3, { afterMs: 10 * minuteMs })

      await lose(1)
      clock.wrongMs = wrongMs
      await clock.advance(9 * minuteMs)
      const before = heldBy(1)
      await clock.advance(2 * minuteMs)

      assert.deepEqual([before, heldBy(1), heldBy(2)], [20, 0, 20])
    })
  }

  it('leaves a peer alone that is back in time', async () => {
    const { clock, lose, comeBack, heldBy } = await open(3, { afterMs: 10 * minuteMs })

    await lose(1)
    await clock.advance(5 * minuteMs)
    comeBack(1)
    await clock.advance(20 * minuteMs)

    assert.deepEqual([heldBy(1), heldBy(2)], [20, 0])
  })

  it('gives pins away no faster than it says, and stops when the peer is back', async () => {
    const { clock, lose, comeBack, heldBy } = await open(3, { maxPinsPerSecond: 1 })

    await lose(1)
    await clock.advance(4000)
    const healed = heldBy(2)
    comeBack(1)
    await clock.advance(minuteMs)

    assert.ok(healed >= 4 && healed <= 10, `${healed} after four seconds of two peers`)
    assert.ok(heldBy(2) <= healed + 2)
  })

  it('lends pins to others, and gives them back when the peer is back and still has them', async () => {
    const { clock, lose, comeBack, heldBy, pinset, peerAt, datastore } = await open(3, { whenBack: 'give_back' })

    await lose(1)
    await clock.advance(minuteMs)
    const healed = [heldBy(0), heldBy(1), heldBy(2)]
    peerAt(1).ipfs.roots.delete(aCid(3).toString())
    comeBack(1)
    await clock.advance(2 * minuteMs)
    const missing = pinset.pins.get(aCid(3).toString())?.allocations.length
    peerAt(1).ipfs.roots.set(aCid(3).toString(), 'recursive')
    await clock.advance(2 * minuteMs)

    assert.deepEqual(healed, [20, 20, 20])
    assert.deepEqual([missing, heldBy(0), heldBy(1), heldBy(2)], [3, 20, 20, 0])
    assert.deepEqual(await collect(datastore.keys({ from: 'lent/', before: 'lent0' })), [])
  })

  it('takes pins that were healed from a peer that is away for more than a day', async () => {
    const { clock, lose, heldBy } = await open(3, { whenBack: 'give_back' })

    await lose(1)
    await clock.advance(25 * 60 * minuteMs)

    assert.deepEqual([heldBy(0), heldBy(1), heldBy(2)], [20, 0, 20])
  })

  it('leaves a pin as it is that somebody has changed meanwhile', async () => {
    const { cluster, clock, lose, comeBack, ids } = await open(3, { whenBack: 'give_back' }, 1)

    await lose(1)
    await clock.advance(minuteMs)
    await cluster.pin(aCid(0), options({ ...factors(2), name: 'newer' }))
    comeBack(1)
    await clock.advance(2 * minuteMs)

    const [one = '', , three = ''] = ids
    assert.deepEqual(cluster.allocation(aCid(0)).allocations, [one, three])
  })
})
