import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Denylist } from '../../src/ipfs/denylist.ts'
import type { IpfsConnector } from '../../src/ipfs/ipfs.ts'
import { denyLists } from '../support/deny-lists.ts'
import type { DenyLists } from '../support/deny-lists.ts'
import { pinOf } from '../support/pins.ts'
import { batches, directoryBlock, rawBlock } from '../support/unixfs-blocks.ts'
import { quietMs } from '../support/poll.ts'

export interface DenyingSubject { connector: IpfsConnector, close (): Promise<void> }

/**
 * What every IPFS node of a peer promises of content on the denylist. `open` gives a node without rules at first; they come while it runs.
 */
export function deniedContentContract (name: string, open: (denylist: Denylist) => Promise<DenyingSubject>): void {
  const opened: Array<{ close (): Promise<void> }> = []

  async function start (): Promise<{ node: IpfsConnector, lists: DenyLists, deny (...rules: string[]): Promise<void> }> {
    const lists = await denyLists([])
    const subject = await open(lists.denylist)
    opened.push(subject, lists)
    return {
      node: subject.connector,
      lists,
      deny: async (...rules) => {
        await lists.write('test.deny', rules)
        await lists.look()
      }
    }
  }

  describe(`denied content contract: ${name}`, { timeout: quietMs(60_000) }, () => {
    afterEach(async () => { for (const one of opened.splice(0)) await one.close() })

    it('refuses to pin, store, read and look up what is denied, and says by which rule', async () => {
      const { node, lists, deny } = await start()
      const leaf = await rawBlock('denied leaf')
      const folder = await directoryBlock({ leaf, again: leaf })
      await node.putBlocks(batches(leaf, folder))
      await deny(`/ipfs/${leaf.cid}`)
      const expected = { code: 'DENIED', message: `${leaf.cid} is denied by test.deny:1` }

      await assert.rejects(node.pin(pinOf(leaf.cid)), expected)
      await assert.rejects(node.pin(pinOf(leaf.cid, { maxDepth: 0 })), expected)
      await assert.rejects(node.putBlocks(batches(leaf)), expected)
      await assert.rejects(node.getBlock(leaf.cid), expected)
      await assert.rejects(node.getBlock(leaf.cid, { local: true }), expected)
      await assert.rejects(node.resolve(`/ipfs/${folder.cid}/leaf`), expected)
      await assert.rejects(node.resolve(`/ipfs/${leaf.cid}`), { code: 'DENIED' })
      assert.equal(await node.pinStatus(pinOf(leaf.cid)), 'unpinned')
      assert.equal(lists.denylist.lists()[0]?.hits, 7)
    })

    it('refuses a path that is denied, and looks up all others', async () => {
      const { node, deny } = await start()
      const leaf = await rawBlock('one leaf')
      const folder = await directoryBlock({ good: leaf, bad: leaf })
      await node.putBlocks(batches(leaf, folder))

      await deny(`/ipfs/${folder.cid}/bad`)

      await assert.rejects(
        node.resolve(`/ipfs/${folder.cid}/bad`), { code: 'DENIED', message: `/ipfs/${folder.cid}/bad is denied by test.deny:1` }
      )
      assert.equal(String(await node.resolve(`/ipfs/${folder.cid}/good`)), String(leaf.cid))
      assert.equal(String(await node.resolve(`/ipfs/${folder.cid}/bad`, { evenDenied: true })), String(leaf.cid))
    })

    it('unpins what was pinned before it was denied, by a path too, and collects it', async () => {
      const { node, deny } = await start()
      const leaf = await rawBlock('pinned leaf')
      await node.putBlocks(batches(leaf))
      await node.pin(pinOf(leaf.cid))
      await deny(`/ipfs/${leaf.cid}`)

      const before = await node.pinStatus(pinOf(leaf.cid))
      const cid = await node.resolve(`/ipfs/${leaf.cid}`, { evenDenied: true })
      await node.unpin(cid)
      for await (const { error } of node.repoGc()) assert.equal(error, '')

      assert.deepEqual([before, await node.pinStatus(pinOf(leaf.cid))], ['recursive', 'unpinned'])
    })

    it('does all that again once the rule is gone', async () => {
      const { node, deny } = await start()
      const leaf = await rawBlock('a leaf for a while')
      await deny(`/ipfs/${leaf.cid}`)
      await assert.rejects(node.putBlocks(batches(leaf)), { code: 'DENIED' })

      await deny()
      await node.putBlocks(batches(leaf))
      await node.pin(pinOf(leaf.cid))

      assert.equal(await node.pinStatus(pinOf(leaf.cid)), 'recursive')
    })
  })
}
