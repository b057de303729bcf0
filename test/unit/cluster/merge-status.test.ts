import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerRows } from '../../../src/cluster/status/merge-status.ts'
import { mergeStatus } from '../../../src/cluster/status/merge-status.ts'
import type { TemporaryStore } from '../../../src/cluster/status/status-rows.ts'
import { SpillingStatusRows } from '../../../src/cluster/status/status-rows.ts'
import type { KeyRange } from '../../../src/datastore/datastore.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import { aCid, aPeerId, collect } from '../../support/cluster/values.ts'

const info = (peer: PeerId, of: number, changes: Partial<PinInfo> = {}): PinInfo => {
  const head = { cid: aCid(of), name: `pin ${of}`, allocations: [], origins: [], created: 1000, metadata: { at: String(of) } }
  const short = {
    peerName: '', ipfsPeerId: '', ipfsPeerAddresses: [], status: 'pinned' as const, timestamp: 2000, error: '', attemptCount: 0,
    priorityPin: false
  }
  return { ...head, peer, ...short, ...changes }
}

/** A store in memory that sorts, counts and says whether it was removed. */
function sortedStore () {
  const rows = new Map<string, Uint8Array>()
  const seen = { made: 0, discarded: 0, largestWrite: 0 }
  const store = {
    write: async (batch: ReadonlyArray<{ key: string, value: Uint8Array | undefined }>) => {
      seen.largestWrite = Math.max(seen.largestWrite, batch.length)
      for (const { key, value } of batch) if (value != null) rows.set(key, value)
    },
    entries: async function * ({ from, before }: KeyRange) {
      const sorted = [...rows].filter(([key]) => key >= from && key < before).toSorted(([a], [b]) => a < b ? -1 : 1)
      for (let at = 0; at < sorted.length; at += 100) yield sorted.slice(at, at + 100)
    }
  }
  const open = async () => {
    seen.made++
    return { store, discard: async () => { seen.discarded++ } }
  }
  return { seen, open }
}

async function * rowsOf (peer: PeerId, order: number[], fault?: Error): AsyncGenerator<PinInfo[]> {
  for (let at = 0; at < order.length; at += 10) yield order.slice(at, at + 10).map(of => info(peer, of))
  if (fault != null) throw fault
}

async function * rowOf (peer: PeerId, changes: Partial<PinInfo>): AsyncGenerator<PinInfo[]> { yield [info(peer, 1, changes)] }

const one = (peer: PeerId, changes: Partial<PinInfo>): PeerRows => ({ peer, rows: rowOf(peer, changes) })

/** Tables that hold ten rows in memory. */
const tableWith = (temporaryStore: (() => Promise<TemporaryStore>) | undefined) => (): SpillingStatusRows =>
  new SpillingStatusRows({ rowsInMemory: 10 }, { temporaryStore })

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

describe('merging the statuses of several peers', () => {
  const [first, second, third] = [aPeerId(1), aPeerId(2), aPeerId(3)]

  for (const rowsInMemory of [100_000, 40]) {
    it(`gives one row per CID whatever the order of the streams, with ${rowsInMemory} rows in memory`, async () => {
      const { seen, open } = sortedStore()
      const table = (): SpillingStatusRows => new SpillingStatusRows({ rowsInMemory }, { temporaryStore: open })
      const streams = [{ peer: first, rows: rowsOf(first, upTo(300)) }, { peer: second, rows: rowsOf(second, upTo(300).toReversed()) }]

      const merged = await collect(mergeStatus(streams, { table, failure: () => undefined }))

      assert.equal(new Set(merged.map(row => row.cid.toString())).size, 300)
      assert.ok(merged.every(row => row.peerMap.size === 2 && row.metadata?.['at'] === row.name.slice(4)))
      assert.deepEqual([seen.made > 0, seen.made, seen.discarded], [rowsInMemory === 40, seen.discarded, seen.made])
    })
  }

  it('shows a peer that failed at its end in every row', async () => {
    const table = tableWith(sortedStore().open)
    const streams = [{ peer: first, rows: rowsOf(first, upTo(50)) }, { peer: second, rows: rowsOf(second, upTo(20), new Error('cut off')) }]

    const merged = await collect(mergeStatus(streams, {
      table,
      failure: (peer, err) => head => ({ ...info(peer, 0, { status: 'cluster_error', error: (err as Error).message }), cid: head.cid })
    }))

    assert.ok(merged.length === 50 && merged.every(row => row.peerMap.get(second)?.error === 'cut off'))
  })

  it('lets the last stream speak for the pin, but not when it is in cluster_error', async () => {
    const table = tableWith(undefined)
    const streams = [one(first, { name: 'old' }), one(second, { name: 'new' }), one(third, { name: '', status: 'cluster_error' })]

    const [row] = await collect(mergeStatus(streams, { table, failure: () => undefined }))

    assert.deepEqual([row?.name, row?.peerMap.size], ['new', 3])
  })

  it('removes the temporary store when the reader leaves early', async () => {
    const { seen, open } = sortedStore()
    const table = tableWith(open)

    for await (const _batch of mergeStatus([{ peer: first, rows: rowsOf(first, upTo(2000)) }], { table, failure: () => undefined })) break

    assert.deepEqual([seen.made, seen.discarded], [1, 1])
  })
})
