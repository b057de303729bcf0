import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Block, Blockstore } from '../../../../../src/blockstore/blockstore.ts'
import type { Auditor } from '../../../../../src/ipfs/audit.ts'
import { nodeOf, textBlock } from '../../../../support/dags.ts'
import { startHelia } from '../../../../support/helia.ts'
import type { RunningHelia } from '../../../../support/helia.ts'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import { pinFor } from '../../../../support/pins.ts'

const leaves = Array.from({ length: 20 }, (_, at) => textBlock(`leaf ${at}`))
const middles = Array.from({ length: 4 }, (_, at) => nodeOf(leaves.slice(5 * at, 5 * at + 5).map(({ cid }) => cid), `middle ${at}`))
const root = nodeOf(middles.map(({ cid }) => cid), 'root')
const dag = [...leaves, ...middles, root]
const pin = { ...pinFor('dag'), cid: root.cid }
const pace = async (): Promise<void> => {}
const at = (list: readonly Block[], index: number): Block => list[index] as Block

describe('the audit of the embedded node', () => {
  let here: RunningHelia
  let there: RunningHelia
  let [store, otherStore]: Blockstore[] = []
  const auditor = ({ connector }: RunningHelia): Auditor => connector.auditor as Auditor

  async function holding (node: RunningHelia, blocks: readonly Block[]): Promise<void> {
    await node.connector.putBlocks((async function * () { yield [...blocks] })())
    await node.connector.pin(pin)
  }

  /** The store gives other bytes under a CID, as a disk without checksums does. */
  async function flip (blockstore: Blockstore, { cid }: Block): Promise<void> {
    await blockstore.delete([cid])
    await blockstore.put([{ cid, bytes: Buffer.from('something else') }])
  }

  const addresses = async (): Promise<string[]> => (await there.connector.id()).addresses ?? []

  beforeEach(async () => {
    [store, otherStore] = [memoryBlockstore(), memoryBlockstore()]
    here = await startHelia({ requestTimeoutMs: 30_000 }, { blockstore: store as Blockstore })
    there = await startHelia({}, { blockstore: otherStore as Blockstore })
    await Promise.all([here.connector.ready(), there.connector.ready()])
  })
  afterEach(async () => { await Promise.all([here.close(), there.close()]) })

  it('reads every block once, and finds all of them right', async () => {
    await holding(here, dag)
    let paced = 0

    const found = await auditor(here).audit(pin, { repair: false, pace: async bytes => { paced += bytes } })

    assert.deepEqual(found, {
      blocks: dag.length, bytes: dag.reduce((sum, { bytes }) => sum + bytes.length, 0), bad: [], badCount: 0, repaired: 0
    })
    assert.equal(paced, found.bytes)
  })

  it('names blocks that are gone, and such that are not what their CIDs say', async () => {
    await holding(here, dag)
    await flip(store as Blockstore, at(leaves, 3))
    await (store as Blockstore).delete([at(middles, 2).cid])

    const found = await auditor(here).audit(pin, { repair: false, pace })

    assert.deepEqual(found.bad.map(String).toSorted(), [at(leaves, 3), at(middles, 2)].map(({ cid }) => cid.toString()).toSorted())
    assert.deepEqual([found.blocks, found.badCount, found.repaired], [dag.length - 7, 2, 0])
  })

  it('repairs them from another node, also what lies below', async () => {
    await holding(here, dag)
    await holding(there, dag)
    await here.connector.connect(await addresses())
    await flip(store as Blockstore, at(leaves, 3))
    await (store as Blockstore).delete([at(middles, 2).cid, at(leaves, 11).cid])

    const found = await auditor(here).audit(pin, { repair: true, pace })
    const again = await auditor(here).audit(pin, { repair: false, pace })

    assert.deepEqual([found.badCount, found.repaired, found.blocks], [3, 3, dag.length])
    assert.deepEqual([again.badCount, again.blocks], [0, dag.length])
  })

  it('tells what nobody has', async () => {
    await holding(here, dag)
    await flip(store as Blockstore, at(leaves, 0))

    const { badCount, repaired } = await auditor(here).audit(pin, { repair: true, pace }) // no time passes: all have said so

    assert.deepEqual([badCount, repaired], [1, 0])
  })

  it('is of pins only', async () => {
    await assert.rejects(auditor(here).audit(pin, { repair: false, pace }), { code: 'NOT_FOUND' })
  })

  it('lets another node show random blocks, and nobody else stand in for it', async () => {
    await holding(here, dag)
    await holding(there, dag)
    const { id: peer } = await there.connector.id()
    const challenge = { peer, addresses: await addresses(), walks: 6, depth: -1 }

    const good = await auditor(here).challenge(root.cid, challenge)
    await (otherStore as Blockstore).delete(middles.map(({ cid }) => cid))
    const bad = await auditor(here).challenge(root.cid, challenge)

    assert.deepEqual(good.failed, [])
    assert.ok(good.asked >= 3 && good.bytes > 0, `${good.asked} asked`)
    assert.ok(bad.failed.length >= 1 && bad.failed.length <= middles.length, `${bad.failed.length} failed`)
    assert.ok(bad.failed.every(cid => middles.some(one => one.cid.equals(cid))))
  })

  it('says when the other node can not be reached', async () => {
    const { id: peer } = await there.connector.id()

    await assert.rejects(auditor(here).challenge(root.cid, { peer, addresses: [], walks: 1, depth: -1 }), { code: 'PEER_UNREACHABLE' })
  })
})
