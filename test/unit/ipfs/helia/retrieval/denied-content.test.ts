import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import type { AllocatedPeers } from '../../../../../src/ipfs/allocated-peers.ts'
import { pinOf } from '../../../../support/pins.ts'
import { batches, directoryBlock, rawBlock } from '../../../../support/unixfs-blocks.ts'
import { denyLists } from '../../../../support/deny-lists.ts'
import type { DenyLists } from '../../../../support/deny-lists.ts'
import { startHelia } from '../../../../support/helia.ts'
import type { RunningHelia } from '../../../../support/helia.ts'
import { quietMs } from '../../../../support/poll.ts'

const opened: Array<{ close (): Promise<void> }> = []

async function start (lists?: DenyLists, allocatedPeersOf?: (root: CID) => AllocatedPeers): Promise<RunningHelia> {
  const helia = await startHelia({ pinTimeoutMs: 10_000 }, {
    ...lists == null ? {} : { denylist: lists.denylist }, ...allocatedPeersOf == null ? {} : { allocatedPeersOf }
  })
  opened.push(helia)
  await helia.connector.ready()
  return helia
}

async function rules (...lines: string[]): Promise<DenyLists> {
  const lists = await denyLists(lines)
  opened.push(lists)
  return lists
}

const addressOf = async ({ connector }: RunningHelia): Promise<string> => (await connector.id()).addresses?.[0] ?? ''

describe('two embedded nodes, one with a denylist', { timeout: quietMs(60_000) }, () => {
  afterEach(async () => { for (const one of opened.splice(0)) await one.close() })

  it('serves nothing that is denied, though it is here and pinned; everything else it serves', async () => {
    const [bad, good] = [await rawBlock('bad'), await rawBlock('good')]
    const lists = await rules()
    const there = await start(lists)
    const { id } = await there.connector.id()
    const addresses = [await addressOf(there)]
    // asked by our own protocol first, then by bitswap
    const here = await start(undefined, () => ({
      list: [{ peer: 'there', id, locate: async () => ({ id, addresses }) }], mayGrow: false, isGuess: false
    }))
    await there.connector.putBlocks(batches(bad, good))
    await there.connector.pin(pinOf(bad.cid))
    await lists.write('test.deny', [`/ipfs/${bad.cid}`])
    await lists.look()
    await here.connector.connect([await addressOf(there)])

    const fetching = new AbortController()
    const fetched = here.connector.getBlock(bad.cid, { signal: fetching.signal, root: bad.cid }).then(() => 'served', () => 'not served')
    const other = Buffer.from(await here.connector.getBlock(good.cid, { root: bad.cid })).toString()
    // what was asked for first has been answered by now
    fetching.abort()

    assert.deepEqual([await fetched, other], ['not served', 'good'])
    assert.equal(await there.connector.pinStatus(pinOf(bad.cid)), 'recursive')
    assert.notEqual(lists.denylist.lists()[0]?.hits, 0)
  })

  it('asks nobody for what is denied, nor for a tree that holds it', async () => {
    const [bad, good] = [await rawBlock('bad'), await rawBlock('good')]
    const tree = await directoryBlock({ bad, good })
    const lists = await rules(`/ipfs/${bad.cid}`)
    const [here, there] = [await start(lists), await start()]
    await there.connector.putBlocks(batches(bad, good, tree))
    await here.connector.connect([await addressOf(there)])

    await assert.rejects(here.connector.getBlock(bad.cid), { code: 'DENIED' })
    await assert.rejects(here.connector.pin(pinOf(tree.cid)), { code: 'DENIED', message: `${bad.cid} is denied by test.deny:1` })

    assert.equal(await here.connector.pinStatus(pinOf(tree.cid)), 'unpinned')
    await lists.write('test.deny', [])
    await lists.look()
    await assert.rejects(here.connector.getBlock(bad.cid, { local: true }), { code: 'BLOCK_MISSING' })
    await here.connector.pin(pinOf(tree.cid))
  })

  it('leads through no denied folder, but for unpinning', async () => {
    const leaf = await rawBlock('leaf')
    const folder = await directoryBlock({ leaf })
    const root = await directoryBlock({ folder })
    const lists = await rules()
    const { connector } = await start(lists)
    await connector.putBlocks(batches(leaf, folder, root))

    await lists.write('test.deny', [`/ipfs/${folder.cid}`])
    await lists.look()

    await assert.rejects(connector.resolve(`/ipfs/${root.cid}/folder/leaf`), { code: 'DENIED' })
    assert.equal(String(await connector.resolve(`/ipfs/${root.cid}/folder/leaf`, { evenDenied: true })), String(leaf.cid))
  })
})
