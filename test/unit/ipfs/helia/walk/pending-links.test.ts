import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import * as dagPb from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { byteStack } from '../../../../../src/ipfs/helia/walk/byte-stack.ts'
import { linksOf } from '../../../../../src/ipfs/helia/links/links.ts'
import { PendingLinks } from '../../../../../src/ipfs/helia/walk/pending-links.ts'
import { blockOf } from '../../../../support/blocks.ts'
import { cborOf, dagCborCodec, dagJsonCodec, dagPbCodec, nodeOf, textBlock } from '../../../../support/dags.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const jsonOf = (links: readonly CID[], data: string): Block =>
  blockOf(Buffer.from(JSON.stringify({ data, links: links.map(cid => ({ '/': cid.toString() })) })), dagJsonCodec)

/** A tree whose blocks are of all three codecs, some with many links. */
function tree (random: SeededRandom): { root: Block, blocks: Map<string, Block> } {
  const blocks = new Map<string, Block>()
  let count = 0
  const grow = (levels: number): Block => {
    const width = random.float() < 0.1 ? 700 : 1 + Math.floor(random.float() * 4)
    const links = levels === 0
      ? []
      : Array.from({ length: width }, () => (random.float() < 3 / width ? grow(levels - 1) : textBlock(String(count++))).cid)
    const block = [nodeOf, cborOf, jsonOf][Math.floor(random.float() * 3)]!(links, String(count++))
    blocks.set(block.cid.toString(), block)
    return block
  }
  return { root: grow(6), blocks }
}

/** All CIDs in order, parents first. */
function inOrder (root: Block, blocks: ReadonlyMap<string, Block>): string[] {
  const below = linksOf(root).flatMap(cid => blocks.has(cid.toString()) ? inOrder(blocks.get(cid.toString())!, blocks) : [cid.toString()])
  return [root.cid.toString(), ...below]
}

describe('links that wait', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pending-links-'))
  after(() => rmSync(folder, { recursive: true }))

  it('come in order whether they fit into memory or not', async () => {
    for (const memoryBytes of [0, 5000, 1e9]) {
      const { root, blocks } = tree(new SeededRandom(memoryBytes + 1))
      let readAgain = 0
      const pending = new PendingLinks({ memoryBytes }, {
        stack: byteStack({ path: join(folder, String(memoryBytes)), memoryBytes: 200 }),
        read: async cid => {
          readAgain++
          return blocks.get(cid.toString())!.bytes
        }
      })
      const found: string[] = [root.cid.toString()]

      pending.push(root, -1)
      while (!pending.isEmpty()) {
        const link = pending.take()
        if (link == null) {
          if (!pending.loadNow()) await pending.load()
          continue
        }
        found.push(link.cid.toString())
        const block = blocks.get(link.cid.toString())
        if (block != null) pending.push(block, -1)
        await pending.room()
      }
      await pending.close()

      assert.deepEqual(found, inOrder(root, blocks))
      assert.equal(readAgain > 0, memoryBytes < 1e9, `memory of ${memoryBytes}: ${readAgain} blocks read again`)
    }
  })

  it('tell what they hang on: the block, its depth, the name in a directory', async () => {
    const leaf = textBlock('leaf').cid
    const block = blockOf(dagPb.encode({ Links: [{ Hash: leaf, Name: '', Tsize: 1 }, { Hash: leaf, Name: 'ä', Tsize: 1 }] }), dagPbCodec)
    const pending = new PendingLinks({ withNames: true }, { stack: byteStack({ path: '' }), read: async () => block.bytes })

    pending.push(block, 3)
    await pending.load()

    const taken = [pending.take(), pending.take(), pending.take()].map(
      link => link == null ? undefined : [link.cid.toString(), link.depth, link.parent.toString(), link.name]
    )
    assert.deepEqual(taken, [[leaf.toString(), 3, block.cid.toString(), ''], [leaf.toString(), 3, block.cid.toString(), 'ä'], undefined])
    assert.ok(pending.isEmpty())
  })

  it('give others a turn in a large block without links', async () => {
    const block = blockOf(dagCbor.encode(Array.from({ length: 400_000 }, () => 0)), dagCborCodec)
    const pending = new PendingLinks({}, { stack: byteStack({ path: '' }), read: async () => block.bytes })
    let turns = 0
    let isLoaded = false
    const count = (): void => {
      turns++
      if (!isLoaded) setImmediate(count)
    }

    pending.push(block, -1)
    setImmediate(count)
    await pending.load()
    isLoaded = true

    assert.ok(turns > 3, `${turns} turns`)
    assert.equal(pending.take(), undefined)
    assert.ok(pending.isEmpty())
  })

  it('are read piece by piece: what is wrong behind them is found there', async () => {
    const good = cborOf(Array.from({ length: 1000 }, (_, n) => textBlock(String(n)).cid), '')
    const broken = blockOf(good.bytes.subarray(0, -1), dagCborCodec)
    const pending = new PendingLinks({}, { stack: byteStack({ path: '' }), read: async () => broken.bytes })
    let count = 0

    pending.push(broken, -1)
    const all = async (): Promise<void> => {
      while (!pending.isEmpty()) if (pending.take() == null) await pending.load()
        else count++
    }

    await assert.rejects(all(), { code: 'INVALID_DATA' })
    assert.ok(count >= 512)
  })
})
