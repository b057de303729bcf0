import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { PinTable } from '../../../../src/ipfs/kubo/pinned-view.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'

const cids = await Promise.all(Array.from({ length: 100 }, async (_, n) => (await rawBlock(`pin ${n}`)).cid))

async function tableOf (pinsInMemory: number): Promise<{ table: PinTable, opened: () => number, discarded: () => number }> {
  let [opened, discarded] = [0, 0]
  const table = new PinTable({ pinsInMemory }, {
    temporaryStore: async () => {
      opened++
      const store = memoryDatastore()
      await store.start(new AbortController().signal)
      return { store, discard: async () => { discarded++ } }
    }
  })
  for (const cid of cids.slice(0, 90)) await table.add([{ Cid: cid.toString(), Type: 'recursive' }])
  await table.add([{ Cid: String(cids[90]), Type: 'direct' }])
  return { table, opened: () => opened, discarded: () => discarded }
}

for (const [pinsInMemory, stores] of [[1000, 0], [10, 1]] as const) {
  describe(`a listing of Kubo's pins with room for ${pinsInMemory} in memory`, () => {
    it('knows each root', async () => {
      const { table, opened } = await tableOf(pinsInMemory)

      const statuses = [0, 50, 89, 90, 91].map(at => table.statusOf(cids[at] ?? assert.fail()))

      assert.deepEqual(statuses, ['recursive', 'recursive', 'recursive', 'direct', 'unpinned'])
      assert.equal(table.count, 91)
      assert.equal(opened(), stores)
    })

    it('gives its store back', async () => {
      const { table, discarded } = await tableOf(pinsInMemory)

      await table.close()
      await table.close()

      assert.equal(discarded(), stores)
    })
  })
}
