import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialable } from '../../../../src/api/common/delegates.ts'
import { pinningStatusOf } from '../../../../src/api/pinning/pinning-status.ts'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { PinInfoShort } from '../../../../src/model/pin-info.ts'
import type { TrackerStatus } from '../../../../src/model/status.ts'
import type { PinIndex } from '../../../../src/pinindex/pinindex.ts'
import { sqlitePinIndex } from '../../../../src/pinindex/sqlite/sqlite-pin-index.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'
import type { SimClock } from '../../../support/sim-clock.ts'
import { FollowedCluster, pinningPeer } from '../../../support/pinning-peer.ts'

const everything = 'GET /pins?limit=1000&status=queued,pinning,pinned,failed'
const listed = (body: any): string => body.results.map((one: any) => `${one.pin.name}:${one.status}`).toSorted().join(' ')

/** The answer, for which time passes; gives how much. */
async function afterTime (clock: SimClock, answer: Promise<unknown>): Promise<number> {
  const begunAt = clock.now()
  let isThere = false
  const done = answer.finally(() => { isThere = true })
  while (!isThere) await clock.advance(10)
  await done
  return clock.now() - begunAt
}

/** An index that outlives its peer: stops are ignored. */
function lastingIndex (): PinIndex {
  const index = sqlitePinIndex({ file: ':memory:' }, { log: silentLogger })
  const start = index.start.bind(index)
  let started = false
  index.start = async signal => {
    if (!started) await start(signal)
    started = true
  }
  index.stop = async () => {}
  return index
}

describe('the index of the pinning service', () => {
  it('finds at the start what it missed: new pins, changed ones, removed ones', async () => {
    const index = lastingIndex()
    const cluster = new FollowedCluster()
    cluster.hold(pinFor('stays'), pinFor('goes'), pinFor('changes'))
    const first = await pinningPeer({ cluster, index })
    const before = (await first.json(`GET /pins/${cidFor('stays')}`)).body.created
    await first.json(everything)
    await first.stop()
    await cluster.unpin(cidFor('goes'))
    cluster.hold({ ...pinFor('changes'), name: 'changed' }, pinFor('new'), pinFor('new too'))

    const second = await pinningPeer({ cluster, index })
    const { body } = await second.json(everything)

    assert.equal(listed(body), 'changed:pinned new too:pinned new:pinned stays:pinned')
    assert.equal(body.count, 4)
    assert.equal(body.results.find((one: any) => one.pin.name === 'stays').created, before)
    await second.stop()
  })

  it('repairs itself after a write that failed', async () => {
    const index = sqlitePinIndex({ file: ':memory:' }, { log: silentLogger })
    const peer = await pinningPeer({ index })
    await peer.json(everything)
    const put = index.put.bind(index)
    index.put = () => { throw new ClusterError('STORAGE_FULL') }
    peer.cluster.hold(pinFor('a'))
    await peer.clock.settle()
    index.put = put

    await peer.clock.until(() => index.size() === 1, 10_000)

    assert.equal(listed((await peer.json(everything)).body), 'a:pinned')
    await peer.stop()
  })

  it('follows thousands of changes at once, the last one counts', async () => {
    const peer = await pinningPeer()
    const pins = Array.from({ length: 3000 }, (_one, at) => pinFor(`p${at}`))

    peer.cluster.hold(...pins)
    for (const { cid } of pins.slice(0, 2990)) await peer.cluster.unpin(cid)
    peer.cluster.hold(pinFor('p0'))

    assert.equal((await peer.json(everything)).body.count, 11)
    await peer.stop()
  })
})

describe('the statuses in lists', () => {
  it('follow the peers within 30 s while somebody looks', async () => {
    const peer = await pinningPeer()
    peer.cluster.hold(pinFor('a'))
    await peer.json(everything)
    peer.cluster.statuses.set(cidFor('a').toString(), 'pin_error')

    await peer.clock.advance(30_000)
    const { body } = await peer.json(everything)

    assert.equal(listed(body), 'a:failed')
    await peer.stop()
  })

  it('of pins that are under way are asked for before the list', async () => {
    const peer = await pinningPeer()
    peer.cluster.statuses.set(cidFor('a').toString(), 'pinning')
    peer.cluster.hold(pinFor('a'))
    const during = await peer.json(everything)
    peer.cluster.statuses.delete(cidFor('a').toString())
    const { sweeps } = peer.cluster

    const after = await peer.json(everything)

    assert.deepEqual([listed(during.body), listed(after.body)], ['a:pinning', 'a:pinned'])
    assert.equal(peer.cluster.sweeps, sweeps)
    await peer.stop()
  })

  it('are not asked for when nobody looks', async () => {
    const peer = await pinningPeer()
    peer.cluster.hold(pinFor('a'))
    await peer.json(everything)
    await peer.clock.advance(660_000)
    const { sweeps } = peer.cluster

    await peer.clock.advance(3_600_000)

    assert.equal(peer.cluster.sweeps, sweeps)
    await peer.stop()
  })

  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`follow the peers as usual when the clock is set by ${wrongMs} ms`, async () => {
      const peer = await pinningPeer()
      peer.cluster.hold(pinFor('a'))
      await peer.json(everything)
      const { sweeps } = peer.cluster
      peer.clock.wrongMs = wrongMs
      await afterTime(peer.clock, peer.json(everything))
      const atOnce = peer.cluster.sweeps - sweeps
      peer.cluster.statuses.set(cidFor('a').toString(), 'pin_error')

      await peer.clock.advance(30_000)
      const { body } = await peer.json(everything)

      assert.deepEqual([atOnce, listed(body)], [0, 'a:failed'])
      await peer.stop()
    })
  }

  it('come late when the peers do not answer, but the list comes', async () => {
    const peer = await pinningPeer()
    peer.cluster.hold(pinFor('a'))
    await peer.json(everything)
    await peer.clock.advance(700_000)
    peer.cluster.statusAll = () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) })

    const list = peer.json(everything)
    const waitedMs = await afterTime(peer.clock, list)

    assert.equal(listed((await list).body), 'a:pinned')
    assert.ok(waitedMs >= 1000 && waitedMs < 2000)
  })
})

describe('a peer that does not answer', () => {
  it('holds up a list of pins under way once, and no longer than a quarter of a second', async () => {
    const peer = await pinningPeer()
    peer.cluster.statuses.set(cidFor('a').toString(), 'pinning')
    peer.cluster.hold(pinFor('a'))
    await peer.json(everything)
    peer.cluster.status = () => new Promise(() => {})

    const waitedMs = await afterTime(peer.clock, peer.json(everything))
    const second = await peer.json(everything)

    assert.ok(waitedMs >= 250 && waitedMs < 1000)
    assert.equal(listed(second.body), 'a:pinning')
  })

  it('does not make sweeps rare', async () => {
    const peer = await pinningPeer()
    peer.cluster.hold(pinFor('a'))
    const { cluster, clock } = peer
    const sweep = cluster.statusAll.bind(cluster)
    cluster.statusAll = async function * (...args) {
      await clock.sleep(15_000)
      yield * sweep(...args)
    }
    await afterTime(clock, peer.json(everything))
    const { sweeps } = cluster

    await clock.advance(120_000)

    assert.ok(cluster.sweeps - sweeps >= 3)
    await peer.stop()
  })
})

describe('the status of a pin in the words of the pinning service', () => {
  const of = (...statuses: TrackerStatus[]): string | undefined =>
    pinningStatusOf({ peerMap: new Map(statuses.map((status, at) => [String(at), { status } as PinInfoShort])) })

  it('is the worst of all peers, as Go has it', () => {
    assert.equal(of('pinned', 'pin_error', 'pin_queued'), 'failed')
    assert.equal(of('cluster_error'), 'failed')
    assert.equal(of('pinned', 'pin_queued', 'pinning'), 'queued')
    assert.equal(of('pinned', 'pinning', 'remote'), 'pinning')
    assert.equal(of('pinned', 'remote'), 'pinned')
    assert.equal(of('remote'), undefined)
    assert.equal(of('sharded'), undefined)
  })

  it('is queued while no peer has begun', () => {
    assert.equal(of('remote', 'unpinned'), 'queued')
    assert.equal(of('unexpectedly_unpinned'), 'queued')
    assert.equal(of('unpinned', 'pinning'), 'pinning')
  })
})

describe('addresses that can be dialled', () => {
  it('are not loopback ones when there are others, and name their peer', () => {
    const given = [
      '/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/0.0.0.0/tcp/1', '/ip6/fe80::1/tcp/1',
      '/dns4/a.example/tcp/1/p2p/Qm1'
    ]

    assert.deepEqual(dialable(given, 'Qm1'), ['/ip4/10.0.0.1/tcp/1/p2p/Qm1', '/dns4/a.example/tcp/1/p2p/Qm1'])
    assert.deepEqual(dialable(given.slice(0, 2), 'Qm1'), ['/ip4/127.0.0.1/tcp/1/p2p/Qm1', '/ip6/::1/tcp/1/p2p/Qm1'])
  })
})
