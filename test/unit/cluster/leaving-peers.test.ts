import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { LeavingPeers } from '../../../src/cluster/peers/leaving-peers.ts'
import { SimClock } from '../../support/sim-clock.ts'
import { SimDisk } from '../../support/sim-disk.ts'

const { signal } = new AbortController()

/** Marks on a disk; `restart` reads them again after the power went. */
async function open () {
  const clock = new SimClock()
  const disk = new SimDisk()
  /** How wrong the peer's clock is. */
  const skew = { ms: 0 }
  const started = async (): Promise<LeavingPeers> => {
    const datastore = disk.datastore()
    await datastore.start(signal)
    const leaving = new LeavingPeers({
      clock: { now: () => clock.now() + skew.ms, elapsed: () => clock.elapsed() }, datastore, log: silentLogger
    })
    await leaving.load(signal)
    return leaving
  }
  const datastore = disk.view()
  await datastore.start(signal)
  return {
    clock,
    skew,
    disk,
    /** The disk as it is now. */
    datastore,
    leaving: await started(),
    restart: async () => {
      disk.crash()
      return started()
    }
  }
}

describe('peers that leave', () => {
  it('are known after a power cut', async () => {
    const { leaving, restart } = await open()
    await leaving.add('peer')

    const again = await restart()

    assert.deepEqual([again.has('peer'), again.has('other'), again.unfinished()], [true, false, ['peer']])
  })

  it('are forgotten after a day, on the disk too', async () => {
    const { clock, leaving, datastore, restart } = await open()
    await leaving.add('peer')
    await clock.advance(24 * 3_600_000)
    const isKnown = leaving.has('peer')
    await clock.settle()

    const again = await restart()

    assert.deepEqual([isKnown, again.has('peer')], [false, false])
    assert.equal(datastore.has('leaving/1/peer'), false)
  })

  for (const [how, ms] of [['forward', 400 * 24 * 3_600_000], ['back', -400 * 24 * 3_600_000]] as const) {
    it(`are known for a day of the peer's, though its clock is set ${how}, with restarts in between`, async () => {
      const { clock, leaving, restart, skew } = await open()
      await leaving.add('peer')
      skew.ms = ms
      const soon = leaving.has('peer')
      await clock.advance(12 * 3_600_000)
      await leaving.keep()

      const again = await restart()
      const atStart = again.has('peer')
      skew.ms = 0
      await clock.advance(11 * 3_600_000)
      const late = again.has('peer')
      await clock.advance(3_600_000)

      assert.deepEqual([soon, atStart, late, again.has('peer')], [true, true, true, false])
    })
  }

  it('are read as an older version wrote them, for a day at most', async () => {
    const { clock, datastore, restart } = await open()
    const row = (until: number): Uint8Array => Buffer.from(JSON.stringify({ until, isEmpty: false, wasGone: false }))
    await datastore.write([
      { key: 'leaving/1/short', value: row(clock.now() + 3_600_000) }, { key: 'leaving/1/long', value: row(clock.now() * 2) }
    ], { sync: true })

    const again = await restart()
    const atStart = again.unfinished()
    await clock.advance(3_600_000)
    const later = again.unfinished()
    await clock.advance(23 * 3_600_000)

    assert.deepEqual([atStart.toSorted(), later, again.unfinished()], [['long', 'short'], ['long'], []])
  })

  it('are like others when their pins have moved and they were away, in any order', async () => {
    const { leaving } = await open()
    for (const peer of ['emptied first', 'away first', 'only emptied', 'only away']) await leaving.add(peer)

    leaving.emptied('emptied first')
    leaving.gone('emptied first')
    leaving.gone('away first')
    leaving.emptied('away first')
    leaving.emptied('only emptied')
    leaving.gone('only away')

    const left = ['emptied first', 'away first', 'only emptied', 'only away'].filter(peer => leaving.has(peer))
    assert.deepEqual([left, leaving.unfinished()], [['only emptied', 'only away'], ['only away']])
  })

  it('hold pins again as soon as some are about to move, on the disk too', async () => {
    const { clock, leaving, restart } = await open()
    await leaving.add('peer')
    leaving.emptied('peer')
    await clock.settle()

    await leaving.holds('peer', { isGone: false })

    const again = await restart()
    assert.deepEqual([leaving.unfinished(), again.unfinished()], [['peer'], ['peer']])
  })

  it('are on the disk as they are in memory, when an earlier removal ends while the mark of a later one is written', async () => {
    const { clock, leaving, restart } = await open()
    await leaving.add('peer')

    const adding = leaving.add('peer')
    leaving.emptied('peer')
    await adding
    await clock.settle()

    const before = leaving.unfinished()
    const again = await restart()
    assert.deepEqual([before, again.unfinished()], [['peer'], ['peer']])
  })

  it('are not marked when the disk is full', async () => {
    const { leaving, disk } = await open()
    disk.full = true

    const adding = leaving.add('peer')

    await assert.rejects(adding, { code: 'STORAGE_FULL' })
    assert.equal(leaving.has('peer'), false)
  })

  it('do not keep a peer from starting when a mark is damaged', async () => {
    const { datastore, restart } = await open()
    await datastore.write([{ key: 'leaving/1/peer', value: Buffer.from('{') }], { sync: true })

    const again = await restart()

    assert.equal(again.has('peer'), false)
  })
})
