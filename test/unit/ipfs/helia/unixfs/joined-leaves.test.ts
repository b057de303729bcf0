import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../../src/base/log.ts'
import { systemClock } from '../../../../../src/base/system.ts'
import type { Block, JoinedRead, SizedBlock } from '../../../../../src/blockstore/blockstore.ts'
import { segmentBlockstore } from '../../../../../src/blockstore/segments/segments.ts'
import type { GetBlock, Joined, UnixFsNode } from '../../../../../src/ipfs/dag-reader.ts'
import { readFile } from '../../../../../src/ipfs/helia/unixfs/file.ts'
import { readNode } from '../../../../../src/ipfs/helia/unixfs/directory.ts'
import { refusingIpfs } from '../../../../../src/node/refusing-ipfs.ts'
import { batches, fileBlock, rawBlock } from '../../../../support/unixfs-blocks.ts'
import { denyLists } from '../../../../support/deny-lists.ts'
import { startHelia } from '../../../../support/helia.ts'
import { quietMs } from '../../../../support/poll.ts'

const leafBytes = 40_000

let leaves: Block[]
let content: Buffer
let node: UnixFsNode
/** Leaves that were read one by one, and how many were read together. */
let single: number
let together: number[]
/** They have moved since they were found together. */
let isGone: boolean

const get: GetBlock = async cid => {
  const block = leaves.find(leaf => leaf.cid.equals(cid)) as Block
  single++
  return block.bytes
}

/** All that lie on one side of each fifth leaf lie together. */
const joined: Joined = (wanted: readonly SizedBlock[]): JoinedRead | undefined => {
  const from = leaves.findIndex(({ cid }) => cid.equals(wanted[0]?.cid))
  const count = Math.min(wanted.length, 5 - from % 5)
  if (count < 2) return undefined
  return {
    count,
    read: async () => {
      together.push(count)
      return isGone ? undefined : Buffer.concat(leaves.slice(from, from + count).map(({ bytes }) => bytes))
    }
  }
}

async function read (options: Parameters<typeof readFile>[2]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of readFile(node, get, options)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function fileOf (blocks: Block[]): Promise<void> {
  leaves = blocks
  content = Buffer.concat(leaves.map(({ bytes }) => bytes))
  const root = await fileBlock(leaves)
  node = await readNode(root.cid, async () => root.bytes)
  ;[single, together, isGone] = [0, [], false]
}

describe('leaves that are read together', () => {
  beforeEach(async () => {
    await fileOf(await Promise.all(Array.from({ length: 23 }, async (_, at) => rawBlock(Buffer.alloc(leafBytes, `leaf ${at} `)))))
  })

  it('give the content of the whole file, in larger pieces', async () => {
    assert.ok((await read({ joined })).equals(content))
    assert.deepEqual([together, single], [[5, 5, 5, 5, 3], 0])
  })

  it('give what a range wants of them, wherever it begins and ends', async () => {
    const ends = [0, 1, leafBytes - 1, leafBytes, 3 * leafBytes + 7, 5 * leafBytes, 9 * leafBytes + 1, 22 * leafBytes, 23 * leafBytes]
    for (const from of ends) {
      for (const before of ends.filter(end => end > from)) {
        const part = await read({ joined, range: { from, before } })

        assert.ok(part.equals(content.subarray(from, before)), `${from} to ${before}`)
      }
    }
  })

  it('are read one by one when they are no longer there together', async () => {
    isGone = true

    assert.ok((await read({ joined, range: { from: 10, before: content.length - 10 } })).equals(content.subarray(10, -10)))
    assert.equal(single, 23)
  })

  it('are read one by one where nobody reads them together', async () => {
    assert.ok((await read({ joined: () => undefined })).equals(content))
    assert.deepEqual([together, single], [[], 23])
  })

  it('are no more than 1 MiB together, and never small ones', async () => {
    const asked: number[] = []
    await fileOf(
      await Promise.all(
        [
          ...Array.from({ length: 9 }, () => 2 ** 18), 1000, 1000, 2 ** 20, 2 ** 20 + 1
        ].map(async (bytes, at) => rawBlock(Buffer.alloc(bytes, `leaf ${at} `)))
      )
    )

    assert.ok((await read({
      joined: wanted => {
        asked.push(wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
        return { count: wanted.length, read: async () => undefined }
      }
    })).equals(content))
    assert.deepEqual(asked, [2 ** 20, 2 ** 20])
  })

  it('fail as one that is read alone when one of them can not be had', async () => {
    isGone = true
    const failing: GetBlock = async cid => {
      if (cid.equals(leaves[2]?.cid)) throw new Error('not here')
      return get(cid)
    }

    await assert.rejects(async () => { for await (const _ of readFile(node, failing, { joined })) {} }, { message: 'not here' })
  })
})

describe('leaves that an embedded node has together', { timeout: quietMs(60_000) }, () => {
  it('are read together until one of them is denied or deleted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-joined-'))
    const lists = await denyLists([])
    const blockstore = segmentBlockstore({ folder }, { log: silentLogger, clock: systemClock })
    const { connector, close } = await startHelia({}, { blockstore, denylist: lists.denylist })
    const blocks = await Promise.all(['first', 'second', 'third'].map(async text => rawBlock(text.repeat(1000))))
    const sized = blocks.map(({ cid, bytes }) => ({ cid, sizeBytes: bytes.length }))
    const [first, second] = blocks as [Block, Block]
    try {
      await connector.putBlocks(batches(...blocks))

      assert.ok(Buffer.concat(blocks.map(({ bytes }) => bytes)).equals(await connector.joined?.(sized)?.read() ?? Buffer.alloc(0)))

      await lists.write('test.deny', [`/ipfs/${second.cid}`])
      await lists.look()
      for (const node of [connector, refusingIpfs(connector, lists.denylist)]) assert.equal(node.joined?.(sized), undefined)

      await lists.write('test.deny', [])
      await lists.look()
      assert.equal(connector.joined?.(sized)?.count, 3)
      await blockstore.delete([first.cid])
      assert.equal(connector.joined?.(sized), undefined)
    } finally {
      await close()
      await lists.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
