import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { CrdtStore } from '../../../../src/consensus/crdt/crdt-store.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { decodeCrdtBlock } from '../../../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { pinChain, randomDag } from '../../../support/crdt-dag.ts'
import { SeededRandom } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal

async function openStore (): Promise<{ store: CrdtStore, datastore: Datastore }> {
  const datastore = memoryDatastore()
  await datastore.start(signal)
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  return { store, datastore }
}

async function allRows (datastore: Datastore): Promise<Array<[string, string]>> {
  const all: Array<[string, string]> = []
  for await (const rows of datastore.entries({ from: ' ', before: '~' })) {
    for (const [key, value] of rows) all.push([key, Buffer.from(value).toString('hex')])
  }
  return all
}

const edge = ({ heads, missing, size }: CrdtStore): unknown =>
  [[...heads.keys()].toSorted(), [...missing].map(([id, { root }]) => [id, root]).toSorted(), size]

/** What a peer reads: new objects, the highest first. */
const newestFirst = (blocks: readonly CrdtBlock[]): CrdtBlock[] =>
  blocks.toSorted((a, b) => b.delta.priority - a.delta.priority).map(({ cid, bytes }) => decodeCrdtBlock(cid, bytes))

describe('a batch of blocks', () => {
  it('leaves every record as one merge per block does, wherever it is cut', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new SeededRandom(seed)
      const blocks = newestFirst(randomDag(random, 40))
      const [single, batched] = [await openStore(), await openStore()]

      for (const block of blocks) await single.store.apply(block, { sync: false })
      for (let at = 0; at < blocks.length;) {
        const next = at + 1 + Math.floor(random.float() * 15)
        await batched.store.applyAll(blocks.slice(at, next), { sync: false })
        at = next
      }

      assert.deepEqual(await allRows(batched.datastore), await allRows(single.datastore), `seed ${seed}`)
      assert.deepEqual(edge(batched.store), edge(single.store), `seed ${seed}`)
    }
  })

  it('holds the same block twice and blocks that are here without harm', async () => {
    const blocks = newestFirst(pinChain(4, 'pin'))
    const { store } = await openStore()
    await store.apply(blocks[1] as CrdtBlock, { sync: false })

    const changes = await store.applyAll([...blocks, ...blocks], { sync: false })

    assert.equal(changes.length, 3)
    assert.deepEqual([store.size, store.heads.size, store.missing.size], [4, 1, 0])
  })

  it('writes nothing of what came and went inside of it', async () => {
    const { store, datastore } = await openStore()
    const written: string[] = []
    const write = datastore.write.bind(datastore)
    datastore.write = async (batch, options) => {
      written.push(...batch.map(({ key }) => key))
      await write(batch, options)
    }

    await store.applyAll(newestFirst(pinChain(10, 'pin')), { sync: false })

    assert.deepEqual(written.filter(key => key.startsWith('w/')), [])
    assert.equal(written.filter(key => key.startsWith('h/')).length, 1)
  })
})
