import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Datastore } from '../../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../../support/memory-datastore.ts'
import { recentBlocks } from '../../../../../src/ipfs/helia/repository/recent-blocks.ts'
import type { RecentTable } from '../../../../../src/ipfs/helia/repository/recent-blocks.ts'
import { hex, identityCid, numberedBlocks } from '../../../../support/blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const cids = [...numberedBlocks(10).map(({ cid }) => cid), identityCid('x'.repeat(300))]

describe('recent blocks', () => {
  let datastore: Datastore
  let clock: SimClock
  let recent: RecentTable

  const listed = async (table = recent): Promise<string[]> => {
    const all: string[] = []
    for await (const batch of table.list()) all.push(...batch.map(hex))
    return all
  }
  const rows = async (): Promise<number> => {
    let count = 0
    for await (const keys of datastore.keys({ from: '/', before: '~' })) count += keys.length
    return count
  }

  beforeEach(async () => {
    datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    clock = new SimClock()
    recent = recentBlocks({}, { datastore, clock })
  })

  it('lists what was noted, one row per call', async () => {
    await recent.note(cids.slice(0, 5))
    await Promise.all(cids.slice(5).map(async cid => recent.note([cid])))
    await recent.note([])

    assert.deepEqual((await listed()).toSorted(), cids.map(cid => hex(cid.multihash.bytes)).toSorted())
    assert.equal(await rows(), 7)
  })

  it('survives a restart', async () => {
    await recent.note(cids)

    assert.equal((await listed(recentBlocks({}, { datastore, clock }))).length, cids.length)
  })

  it('forgets after an hour, without being asked', async () => {
    await recent.note(cids.slice(0, 3))
    await clock.advance(1_800_000)
    await recent.note(cids.slice(3, 4))
    await clock.advance(1_800_001)
    await recent.note(cids.slice(4, 5))

    assert.equal(await rows(), 2)
    assert.deepEqual(await listed(), cids.slice(3, 5).map(cid => hex(cid.multihash.bytes)))
  })

  it('forgets at the start what an earlier run has noted', async () => {
    await recent.note(cids)
    await clock.advance(3_600_001)

    await recentBlocks({}, { datastore, clock }).start()

    assert.equal(await rows(), 0)
  })

  it('keeps what a clock that was ahead has noted for an hour from the start, not longer', async () => {
    const ahead = { now: () => clock.now() + 365 * 86_400_000 }
    const before = recentBlocks({}, { datastore, clock: ahead })
    for (const cid of cids) await before.note([cid])

    await recent.start()
    const atFirst = (await listed()).length
    await clock.advance(3_600_001)

    assert.deepEqual([atFirst, (await listed()).length, await rows()], [cids.length, 0, 0])
  })
})
