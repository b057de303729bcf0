import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { tarTree } from '../../../../../src/api/common/dag/tar-tree.ts'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { testReader } from '../../../../support/dag-reader.ts'
import { resolveNames } from '../../../../../src/ipfs/helia/unixfs/path-resolver.ts'
import { findEntry, listEntries, readNode } from '../../../../../src/ipfs/helia/unixfs/directory.ts'
import { readFile } from '../../../../../src/ipfs/helia/unixfs/file.ts'
import type { CID } from '../../../../../src/model/cid.ts'
import { blockOf } from '../../../../support/blocks.ts'
import { quietMs } from '../../../../support/poll.ts'

class Kept {
  readonly #blocks = new Map<string, Uint8Array>()
  readonly get = async (cid: CID): Promise<Uint8Array> => this.#blocks.get(cid.toString()) as Uint8Array

  keep (bytes: Uint8Array, codec = 0x70): Block {
    const block = blockOf(bytes, codec)
    this.#blocks.set(block.cid.toString(), block.bytes)
    return block
  }

  node (unixfs: UnixFS, links: Array<[name: string, target: Block]>): Block {
    return this.keep(encodePb(prepare({
      Data: unixfs.marshal(), Links: links.map(([Name, { cid, bytes }]) => ({ Name, Hash: cid, Tsize: bytes.length }))
    })))
  }

  /** Shards in each other, the innermost with one file. Each has the child in all its slots, so that every name goes that way. */
  shards (levels: number, fanout: number): Block {
    const digits = (fanout - 1).toString(16).length
    const prefixes = Array.from({ length: fanout }, (_, slot) => slot.toString(16).toUpperCase().padStart(digits, '0'))
    const shard = (): UnixFS => new UnixFS({ type: 'hamt-sharded-directory', fanout: BigInt(fanout), hashType: 0x22n })
    let inner = this.node(shard(), prefixes.map(prefix => [`${prefix}name`, this.keep(Buffer.from('x'), 0x55)] as [string, Block]))
    for (let level = 1; level < levels; level++) {
      const child = inner
      inner = this.node(shard(), prefixes.map(prefix => [prefix, child] as [string, Block]))
    }
    return inner
  }
}

const tooDeep = { code: 'INVALID_DATA', message: 'a sharded directory is nested too deeply' }

/** As far as the first entry. */
async function firstName (kept: Kept, { cid }: Block): Promise<string | undefined> {
  for await (const { name } of listEntries(await readNode(cid, kept.get), kept.get)) return name
  return undefined
}

describe('nested DAGs', { timeout: quietMs(10_000) }, () => {
  // the hash of a name has 64 bits
  for (const [fanout, most] of [[256, 8], [8, 21], [1024, 6]] as const) {
    it(`sharded directories with the fanout ${fanout} may have ${most} levels, and no more`, async () => {
      const kept = new Kept()
      const [fits, more] = [kept.shards(most, fanout), kept.shards(most + 1, fanout)]

      assert.equal(await firstName(kept, fits), 'name')
      assert.ok(await findEntry(fits.cid, 'name', kept.get) != null)
      await assert.rejects(firstName(kept, more), tooDeep)
      await assert.rejects(findEntry(more.cid, 'name', kept.get), tooDeep)
    })
  }

  it('a fanout that is no power of two from 8 to 1024 is refused', async () => {
    for (const fanout of [1, 4, 24, 2048]) {
      const kept = new Kept()
      const shard = kept.shards(1, fanout)

      await assert.rejects(firstName(kept, shard), { code: 'INVALID_DATA', message: `a sharded directory has the fanout ${fanout}` })
      await assert.rejects(findEntry(shard.cid, 'name', kept.get), { code: 'INVALID_DATA' })
    }
  })

  it('a node of a sharded directory has as many links as its fanout, and no more', async () => {
    const kept = new Kept()
    const file = kept.keep(Buffer.from('x'), 0x55)
    const shard = (links: number): Block => kept.node(
      new UnixFS({ type: 'hamt-sharded-directory', fanout: 8n, hashType: 0x22n }),
      Array.from({ length: links }, (_, n) => [`${n % 8}name`, file])
    )

    assert.equal(await firstName(kept, shard(8)), 'name')
    await assert.rejects(firstName(kept, shard(9)), { code: 'INVALID_DATA' })
  })

  it('a file has 64 levels below its first node, and no more', async () => {
    const kept = new Kept()
    const fileOf = (nodes: number): Block => {
      let inner = kept.keep(Buffer.from('x'), 0x55)
      for (let node = 0; node < nodes; node++) inner = kept.node(new UnixFS({ type: 'file', blockSizes: [1n] }), [['', inner]])
      return inner
    }
    const read = async (nodes: number): Promise<string> => {
      let text = ''
      for await (const bytes of readFile(await readNode(fileOf(nodes).cid, kept.get), kept.get)) text += Buffer.from(bytes).toString()
      return text
    }

    assert.equal(await read(65), 'x')
    await assert.rejects(read(66), { code: 'INVALID_DATA', message: 'the file is nested too deeply' })
  })

  it('a file has 65,536 parts on the way to a leaf, and no more', async () => {
    const kept = new Kept()
    const leaf = kept.keep(Buffer.from('x'), 0x55)
    const file = (inner: Block, innerBytes: bigint, parts: number): Block => kept.node(
      new UnixFS({ type: 'file', blockSizes: [innerBytes, ...Array.from({ length: parts - 1 }, () => 1n)] }),
      [inner, ...Array.from({ length: parts - 1 }, () => leaf)].map(block => ['', block]))
    const firstByte = async (parts: number): Promise<void> => {
      const inner = file(leaf, 1n, 32_768)
      const root = await readNode(file(inner, 32_768n, parts).cid, kept.get)
      for await (const bytes of readFile(root, kept.get, { range: { from: 0, before: 1 } })) assert.equal(bytes.toString(), 'x')
    }

    await firstByte(32_768)
    await assert.rejects(firstByte(32_769), { code: 'INVALID_DATA' })
  })

  it('a path leads through as many values of a dag-cbor block as may be nested, and is refused with more', async () => {
    const kept = new Kept()
    const target = kept.keep(Buffer.from('x'), 0x55).cid
    const nested = (depth: number): unknown => depth === 0 ? target : { a: nested(depth - 1) }
    const rootOf = (depth: number): CID => kept.keep(encodeCbor(nested(depth)), 0x71).cid
    const names = (count: number): string[] => Array.from({ length: count }, () => 'a')

    // the link is a tag around bytes
    assert.equal(String(await resolveNames({ root: rootOf(511), names: names(511) }, kept.get)), String(target))
    await assert.rejects(
      resolveNames({ root: rootOf(512), names: names(512) }, kept.get),
      { code: 'INVALID_DATA', message: /is not dag-cbor: more than 512 values are nested in each other$/ }
    )
  })

  const archive = async (kept: Kept, { cid }: Block): Promise<number> => {
    let bytes = 0
    for await (
      const piece of tarTree('a', await readNode(cid, kept.get), { reader: testReader, get: kept.get, now: { seconds: 0, nanoseconds: 0 } })
    ) bytes += piece.length
    return bytes
  }
  const directory = (kept: Kept, ...entries: Array<[name: string, target: Block]>): Block =>
    kept.node(new UnixFS({ type: 'directory' }), entries)
  const levelsOf = (kept: Kept, levels: number, level: (below: Block) => Block): Block => {
    let tree = directory(kept)
    for (let n = 0; n < levels; n++) tree = level(tree)
    return tree
  }

  it('an archive of a tree may have 1024 levels, and no more', async () => {
    const kept = new Kept()
    const tree = levelsOf(kept, 1024, below => directory(kept, ['a', below]))

    assert.ok(await archive(kept, tree) > 1024 * 512)
    await assert.rejects(archive(kept, directory(kept, ['a', tree])), { code: 'INVALID_DATA' })
  })

  it('directories of 2 MiB may be two below each other in an archive, and not three', async () => {
    const kept = new Kept()
    const file = kept.keep(Buffer.alloc(0), 0x55)
    const names = Array.from({ length: 40 }, (_, n) => String(n).repeat(25_000))
    const large = (below: Block): Block => directory(kept, ['a', below], ...names.map(name => [name, file] as [string, Block]))

    // the root isn't counted
    assert.ok(await archive(kept, directory(kept, ['a', levelsOf(kept, 2, large)])) > 0)
    await assert.rejects(
      archive(kept, directory(kept, ['a', levelsOf(kept, 3, large)])), { code: 'INVALID_DATA', message: /^the tree is nested too deeply/ }
    )
  })

  it('of nested sharded directories the parts count', async () => {
    const kept = new Kept()
    const shard = (...links: Array<[string, Block]>): Block =>
      kept.node(new UnixFS({ type: 'hamt-sharded-directory', fanout: 256n, hashType: 0x22n }), links)
    const filler = kept.keep(Buffer.alloc(0), 0x55)
    const large = (below: Block): Block => shard(['00', shard(['0Aa', below], [`0B${'x'.repeat(30_000)}`, filler])])

    assert.ok(await archive(kept, levelsOf(kept, 17, large)) > 0)
    await assert.rejects(archive(kept, levelsOf(kept, 100, large)), { code: 'INVALID_DATA', message: /^the tree is nested too deeply/ })
  })

  it('paths in an archive have 65,536 characters at most', async () => {
    const kept = new Kept()
    const file = kept.keep(Buffer.alloc(0), 0x55)

    assert.ok(await archive(kept, directory(kept, ['x'.repeat(65_534), file])) > 0)
    await assert.rejects(archive(kept, directory(kept, ['x'.repeat(65_535), file])), { code: 'INVALID_DATA' })
  })
})
