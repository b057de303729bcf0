import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closestAmong } from '../../../src/allocator/closest-peer.ts'
import { Alerts } from '../../../src/cluster/peers/alerts.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { aMetric } from '../../support/cluster/shared-monitor.ts'
import { aCid, aPeerId, aPin, factors, options } from '../../support/cluster/values.ts'

const open = clusterOpener()

const repinning = { init: { disableRepinning: false } }

describe('alerts', () => {
  it('are listed newest first, with repinning off too, again and again', async () => {
    const made = await open(3)

    await made.lose(1)
    await made.lose(2)

    assert.deepEqual(made.cluster.alerts().map(({ peer, name }) => [peer, name]), [
      [made.ids[2], 'freespace'],
      [made.ids[2], 'ping'],
      [made.ids[1], 'freespace'],
      [made.ids[1], 'ping']
    ])
  })

  it('are not heard by followers', async () => {
    const made = await open(2, { init: { followerMode: true } })

    await made.lose(1)

    assert.deepEqual(made.cluster.alerts(), [])
  })

  it('are kept to the latest thousand', () => {
    const alerts = new Alerts()

    for (let at = 0; at < 1500; at++) alerts.add({ ...aMetric('ping', aPeerId()), triggeredAt: at })

    assert.deepEqual([alerts.list().length, alerts.list()[0]?.triggeredAt], [1000, 1499])
  })
})

describe('repinning', () => {
  it('gives the pins of a peer that went down to another one', async () => {
    const made = await open(4, repinning)
    for (let at = 0; at < 20; at++) await made.cluster.pin(aCid(at), options(factors(2)))
    await made.settle()

    await made.lose(1)

    const pins = [...made.pinset.pins.values()]
    assert.ok(pins.every(({ allocations }) => allocations.join() === [made.ids[0], made.ids[2]].join()))
    assert.equal(made.peerAt(2).ipfs.roots.size, 20)
  })

  it('is done for each pin by the closest living peer', async () => {
    const made = await open(4, repinning)
    for (let at = 0; at < 20; at++) await made.cluster.pin(aCid(at), options(factors(2)))
    const doneBy = new Map<string, string>()
    for (const { id, consensus } of made.peers) {
      const put = consensus.put.bind(consensus)
      consensus.put = async pin => {
        doneBy.set(pin.cid.toString(), id)
        await put(pin)
      }
    }

    await made.lose(1)

    const living = made.ids.filter((_, at) => at !== 1)
    const expected = Array.from({ length: 20 }, (_, at) => [aCid(at).toString(), closestAmong(living)(aCid(at))])
    assert.deepEqual(Object.fromEntries(doneBy), Object.fromEntries(expected))
  })

  it('leaves alone what still has enough holders, what has no other candidate, and everywhere pins', async () => {
    const made = await open(3, repinning)
    await made.cluster.pin(aCid('enough'), options(factors(1, 2)))
    await made.cluster.pin(aCid('all'), options(factors(3)))
    await made.cluster.pin(aCid('everywhere'), options())
    const before = made.pinset.commits

    await made.lose(1)

    assert.equal(made.pinset.commits, before)
  })

  it('also moves what was made by an update', async () => {
    const made = await open(3, repinning)
    await made.cluster.pin(aCid('old'), options(factors(1)))
    await made.cluster.pin(aCid('new'), options({ pinUpdate: aCid('old') }))
    await made.cluster.unpin(aCid('old'))

    await made.lose(0)

    assert.deepEqual(made.peerAt(1).cluster.allocation(aCid('new')).allocations, [made.ids[1]])
  })

  it('does not undo a change that was under way', async () => {
    const made = await open(3, repinning)
    await made.cluster.pin(aCid(), options(factors(1)))
    for (const { consensus, cluster } of made.peers) {
      consensus.whenWritten = async cid => {
        consensus.whenWritten = async () => {}
        await cluster.pin(cid, options({ ...factors(1), name: 'newer' }))
      }
    }

    await made.lose(0)

    assert.equal(made.peerAt(1).cluster.allocation(aCid()).name, 'newer')
  })

  it('is off by default', async () => {
    const made = await open(3)
    await made.cluster.pin(aCid(), options(factors(2)))

    await made.lose(1)

    assert.deepEqual(made.cluster.allocation(aCid()).allocations, made.ids.slice(0, 2))
  })
})

describe('expiry', () => {
  it('unpins what is over its time, and keeps the rest', async () => {
    const made = await open(1)
    await made.cluster.pin(aCid('short'), options({ expireAt: made.clock.now() + 60_000 }))
    await made.cluster.pin(aCid('long'), options({ expireAt: made.clock.now() + 3_600_000 }))
    await made.cluster.pin(aCid('ever'), options())
    await made.cluster.pin(aCid('unix zero'), options())
    await made.peerAt(0).consensus.put({ ...made.cluster.allocation(aCid('unix zero')), expireAt: 0 })

    await made.clock.advance(300_000)

    assert.deepEqual([...made.pinset.pins.keys()], ['long', 'ever', 'unix zero'].map(name => aCid(name).toString()))
  })

  it('spares what is being prolonged', async () => {
    const made = await open(1)
    const { consensus } = made.peerAt(0)
    await made.cluster.pin(aCid(), options({ expireAt: made.clock.now() + 60_000 }))
    consensus.whenWritten = async cid => { await made.cluster.pin(cid, options({ expireAt: made.clock.now() + 3_600_000 })) }

    await made.clock.advance(300_000)

    assert.equal(made.pinset.pins.size, 1)
  })

  it('spares what is prolonged while its removal is under way', async () => {
    const made = await open(1)
    const { consensus } = made.peerAt(0)
    await made.cluster.pin(aCid(), options({ expireAt: made.clock.now() + 60_000 }))
    const removeIf = consensus.removeIf.bind(consensus)
    const outcomes: boolean[] = []
    consensus.removeIf = async pin => {
      await made.cluster.pin(pin.cid, options({ expireAt: made.clock.now() + 3_600_000 }))
      const isDone = await removeIf(pin)
      outcomes.push(isDone)
      return isDone
    }

    await made.clock.advance(300_000)

    assert.deepEqual([outcomes, made.pinset.pins.size], [[false], 1])
  })

  it('is done by the closest trusted peer', async () => {
    const made = await open(3)
    const cids = Array.from({ length: 12 }, (_, at) => aCid(at))
    for (const cid of cids) await made.cluster.pin(cid, options({ expireAt: made.clock.now() + 60_000 }))
    const [dead = ''] = made.ids
    await made.peerAt(0).cluster.stop()

    await made.clock.advance(300_000)

    const left = [...made.pinset.pins.keys()]
    assert.deepEqual(left, cids.filter(cid => closestAmong(made.ids)(cid) === dead).map(cid => cid.toString()))
  })

  it('passes over shards, and over what it cannot unpin', async () => {
    const made = await open(1)
    const gone = made.clock.now() + 60_000
    const { consensus } = made.peerAt(0)
    await consensus.put(aPin({ cid: aCid('shard'), type: 'shard-pin', maxDepth: 1, expireAt: gone }))
    await consensus.put(aPin({ cid: aCid('meta'), type: 'meta-pin', maxDepth: 0, reference: aCid('missing'), expireAt: gone }))
    await consensus.put(aPin({ cid: aCid('plain'), expireAt: gone }))

    await made.clock.advance(300_000)

    assert.deepEqual([...made.pinset.pins.keys()], ['shard', 'meta'].map(name => aCid(name).toString()))
  })

  it('is left to others by followers', async () => {
    const made = await open(1, { init: { followerMode: true } })
    await made.peerAt(0).consensus.put(aPin({ expireAt: made.clock.now() + 60_000 }))

    await made.clock.advance(400_000)

    assert.equal(made.pinset.pins.size, 1)
  })
})

describe('a stopped peer', () => {
  it('hears no changes and no alerts any more', async () => {
    const made = await open(2, repinning)
    await made.peerAt(0).cluster.stop()

    await made.peerAt(1).cluster.pin(aCid(), options())
    await made.lose(1)

    assert.deepEqual([made.peerAt(0).ipfs.roots.size, made.cluster.alerts()], [0, []])
  })
})

describe('progress', () => {
  it('has the operation of this peer', async () => {
    const made = await open(1)
    made.peerAt(0).tracker.paused = true
    await made.cluster.pin(aCid(), options())

    const [progress] = await made.cluster.progress(aCid())

    assert.deepEqual(
      [progress?.peer, progress?.peerName, progress?.operation?.phase, progress?.ipfs], [made.ids[0], 'peer0', 'queued', null]
    )
  })
})
