import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/system.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import { StatusLog } from '../../../src/events/status-log.ts'
import { StatusesElsewhere } from '../../../src/events/statuses-elsewhere.ts'
import type { CID } from '../../../src/model/cid.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import type { Pin } from '../../../src/model/pin.ts'
import type { TrackerStatus } from '../../../src/model/status.ts'
import { statusMatches } from '../../../src/model/status.ts'
import { decodeStatusesFrom, encodeStatusesFrom } from '../../../src/network/progress/status-news.ts'
import { cidFor } from '../../support/pins.ts'
import { SimClock } from '../../support/sim-clock.ts'

type Row = Partial<Pick<PinInfo, 'status' | 'error' | 'attemptCount'>>

let clock: SimClock
let workers: WorkerRunner
let elsewhere: StatusesElsewhere
/** Node peers by what they tell, Go peers by what they have. */
let logs: Map<string, StatusLog>
let tables: Map<string, Map<string, Row & { cid: CID }>>
let away: Set<string>
/** How long a request takes to get there. */
let latencyMs: number
let told: string[]
let calls: { streams: number, lists: number, single: number }

const rowsOf = (peer: string): Map<string, Row & { cid: CID }> => {
  if (away.has(peer)) throw new ClusterError('PEER_UNREACHABLE', { peer })
  return tables.get(peer) ?? new Map()
}
const infoOf = (row: Row & { cid: CID }): PinInfo => ({ error: '', attemptCount: 0, ...row }) as unknown as PinInfo
const set = (peer: string, name: string, row: Row): void => {
  tables.set(peer, rowsOf(peer).set(cidFor(name).toString(), { cid: cidFor(name), ...row }))
}
const happens = (peer: string, name: string, status: TrackerStatus): void => {
  logs.get(peer)?.add(() => ({ cid: cidFor(name).toString(), peer, status }))
}
const names = new Map(['one', 'two', 'three', 'four', 'old'].map(name => [cidFor(name).toString(), name]))
const pinOn = (...allocations: string[]): Pin => ({ allocations, replicationFactorMin: 1, replicationFactorMax: 1 }) as unknown as Pin
const taken = (): string[] => told.splice(0)

beforeEach(async () => {
  clock = new SimClock()
  workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  await workers.start()
  logs = new Map(['node', 'node2'].map(peer => [peer, new StatusLog({ clock, random: systemRandom })]))
  tables = new Map()
  away = new Set()
  latencyMs = 0
  told = []
  calls = { streams: 0, lists: 0, single: 0 }
  /** As the machine has it, no time is a whole number. */
  const exact: Clock = {
    now: () => clock.now(), elapsed: () => clock.elapsed() * 1.000001, after: (ms, callback) => clock.after(ms, callback),
    sleep: async (ms, signal) => clock.sleep(ms, signal)
  }
  elsewhere = new StatusesElsewhere({
    statuses: {
      follow: async function * (peer, from, options) {
        if (away.has(peer)) throw new ClusterError('PEER_UNREACHABLE', { peer })
        const log = logs.get(peer)
        if (log == null) throw new ClusterError('UNSUPPORTED', { peer })
        calls.streams++
        if (latencyMs > 0) await clock.sleep(latencyMs, options.signal)
        yield * log.follow(decodeStatusesFrom(encodeStatusesFrom(from)), options)
      }
    },
    remotes: {
      status: async (peer, cid) => {
        calls.single++
        return infoOf(rowsOf(peer).get(cid.toString()) ?? { cid, status: 'unpinned' })
      },
      statusAll: async function * (peer, filter) {
        calls.lists++
        yield [...rowsOf(peer).values()].filter(({ status = 'pinned' }) => statusMatches(status, filter)).map(infoOf)
      }
    },
    workers, clock: exact, log: silentLogger,
    told: (peer, { cid, status, error, attempts }) =>
      told.push([peer, names.get(cid) ?? cid, status, ...(error === '' ? [] : [error]), ...(attempts === 0 ? [] : [attempts])].join(' ')),
    missed: peer => told.push(`${peer} missed`)
  })
})

afterEach(async () => {
  await elsewhere.stop()
  await workers.stop()
})

describe('how pins go elsewhere', () => {
  it('is not asked while nobody listens', async () => {
    elsewhere.members(['node', 'go'])
    await clock.advance(60_000)

    assert.deepEqual(calls, { streams: 0, lists: 0, single: 0 })
  })

  it('is told by peers that can, once each, from when the first began to listen', async () => {
    happens('node', 'old', 'pinned')
    await clock.advance(1000)
    const leave = elsewhere.listen()
    happens('node', 'one', 'pinning')
    await clock.advance(2000)
    elsewhere.members(['node', 'node2'])
    await clock.advance(1000)
    const second = elsewhere.listen()
    happens('node', 'one', 'pinned')
    happens('node2', 'two', 'pin_error')
    await clock.advance(1000)

    assert.deepEqual(taken(), ['node one pinning', 'node one pinned', 'node2 two pin_error'])
    assert.equal(calls.streams, 2)
    leave()
    second()
  })

  it('is told of what happens while the request is on its way, and not of what was before', async () => {
    latencyMs = 3000
    happens('node', 'old', 'pinned')
    await clock.advance(1000)
    const leave = elsewhere.listen()
    elsewhere.members(['node'])
    await clock.advance(100)
    happens('node', 'one', 'pinning')
    await clock.advance(2000)
    happens('node', 'one', 'pinned')
    await clock.advance(5000)

    assert.deepEqual(taken(), ['node one pinning', 'node one pinned'])
    leave()
  })

  it('goes on a minute after the last has left, for a page that is loaded anew, and then ends', async () => {
    const leave = elsewhere.listen()
    elsewhere.members(['node'])
    await clock.advance(1000)
    leave()
    await clock.advance(30_000)
    happens('node', 'one', 'pinned')
    await clock.advance(1000)
    assert.deepEqual([taken(), elsewhere.hears], [['node one pinned'], true])

    await clock.advance(60_000)
    happens('node', 'two', 'pinned')
    await clock.advance(1000)
    assert.deepEqual([taken(), elsewhere.hears, clock.pending], [[], false, 0])
  })

  it('comes without gaps and without anything twice when a peer was away for a while', async () => {
    elsewhere.listen()
    elsewhere.members(['node', 'node2'])
    await clock.advance(1000)
    happens('node', 'one', 'pinning')
    await clock.advance(1000)
    elsewhere.members(['node2'])
    await clock.advance(100_000)
    happens('node', 'one', 'pinned')
    elsewhere.members(['node', 'node2'])
    await clock.advance(40_000)

    assert.deepEqual(taken(), ['node one pinning', 'node one pinned'])
  })

  it('takes no more than five thousand changes a second of one peer', async () => {
    elsewhere.listen()
    elsewhere.members(['node'])
    await clock.advance(1000)
    for (let count = 0; count < 4000; count++) happens('node', 'one', 'pinned')
    await clock.advance(500)
    const soon = taken().length
    await clock.advance(500)

    assert.ok(soon >= 2000 && soon < 3000, `${soon} in half a second`)
    assert.equal(soon + taken().length, 4000)
  })

  it('says what may be missing when a peer has begun anew', async () => {
    elsewhere.listen()
    elsewhere.members(['node'])
    await clock.advance(1000)
    const before = logs.get('node')
    const now = new StatusLog({ clock, random: systemRandom })
    logs.set('node', now)
    happens('node', 'one', 'pinned')
    before?.close()
    await clock.advance(60_000)

    assert.deepEqual(taken(), ['node missed', 'node one pinned'])
  })
})

describe('how pins go on peers that do not tell by themselves', () => {
  const listening = async (): Promise<void> => {
    elsewhere.listen()
    elsewhere.members(['go'])
    await clock.advance(1000)
  }

  it('is seen by what they have to do, without what was so before', async () => {
    set('go', 'old', { status: 'pin_error', error: 'before' })
    await listening()
    set('go', 'one', { status: 'pinning' })
    await clock.advance(10_000)
    set('go', 'one', { status: 'pin_error', error: 'no', attemptCount: 2 })
    await clock.advance(20_000)

    assert.deepEqual(taken(), ['go one pinning', 'go one pin_error no 2'])
  })

  it('is asked once of each pin that has ended, or was put and is not among them', async () => {
    set('go', 'old', { status: 'pinning' })
    await listening()
    elsewhere.pinset([{ cid: cidFor('one'), pin: pinOn('go') }, { cid: cidFor('two'), pin: pinOn('other') }])
    set('go', 'one', { status: 'pinned' })
    set('go', 'old', { status: 'pinned' })
    await clock.advance(60_000)

    assert.deepEqual([taken().toSorted(), calls.single], [['go old pinned', 'go one pinned'], 2])
  })

  it('is looked at every five seconds, and less often when that takes long', async () => {
    await listening()
    const before = calls.lists
    await clock.advance(60_000)

    const looks = calls.lists - before
    assert.ok(looks >= 9 && looks <= 15, `${looks} looks in a minute`)
  })

  it('goes on when the peer was away, and by a stream when it has got a version that tells', async () => {
    await listening()
    set('go', 'one', { status: 'pinning' })
    await clock.advance(10_000)
    away.add('go')
    await clock.advance(60_000)
    away.delete('go')
    set('go', 'one', { status: 'pinned' })
    await clock.advance(60_000)
    assert.deepEqual(taken(), ['go one pinning', 'go one pinned'])

    logs.set('go', new StatusLog({ clock, random: systemRandom }))
    await clock.advance(700_000)
    happens('go', 'two', 'pinned')
    await clock.advance(1000)
    const { lists } = calls
    await clock.advance(60_000)
    assert.deepEqual([taken(), calls.lists - lists], [['go two pinned'], 0])
  })

  it('is followed for 4096 pins at a time: of more it is said that some are not known', async () => {
    await listening()
    elsewhere.pinset(Array.from({ length: 4096 }, (_, at) => ({ cid: cidFor(`many ${at}`), pin: pinOn('go') })))
    assert.deepEqual(taken(), [])
    elsewhere.pinset([{ cid: cidFor('one more'), pin: pinOn('go') }])

    assert.deepEqual(taken(), ['go missed'])
  })

  it('asks about 256 pins in one look', async () => {
    await listening()
    elsewhere.pinset(Array.from({ length: 257 }, (_, at) => ({ cid: cidFor(`many ${at}`), pin: pinOn('go') })))
    const { lists } = calls
    await clock.until(() => calls.lists > lists)
    await clock.settle()
    await clock.until(() => calls.single >= 256)
    assert.equal(calls.single, 256)

    await clock.advance(20_000)
    assert.deepEqual([calls.single, taken().length], [257, 257])
  })

  it('tells of 4096 operations, and takes none for ended while there are more', async () => {
    await listening()
    for (let count = 0; count < 4096; count++) set('go', `many ${count}`, { status: 'pin_queued' })
    await clock.advance(10_000)

    assert.deepEqual([taken().length, calls.single], [4096, 0])
  })
})
