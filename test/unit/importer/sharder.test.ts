import assert from 'node:assert/strict'
import { decode, encode } from '@ipld/dag-cbor'
import type { CID } from 'multiformats/cid'
import { describe, it } from 'node:test'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import type { Shard, ShardTarget } from '../../../src/importer/importer.ts'
import { LinkMap } from '../../../src/importer/link-map.ts'
import { SeenBlocks } from '../../../src/importer/seen-blocks.ts'
import { createSharder } from '../../../src/importer/sharder.ts'
import { defaultPinOptions } from '../../../src/model/pin.ts'
import { fileEntry } from '../../support/add-vectors.ts'
import { importAll } from '../../support/imports.ts'
import { numberedBlock, numberedBlocks } from '../../support/blocks.ts'
import { quietMs } from '../../support/poll.ts'

/** Keeps what happens to the shards. */
class KeepingTarget implements ShardTarget {
  readonly events: string[] = []
  readonly shards: Shard[] = []
  readonly blocks: Block[][] = []

  openShard (index: number): { write: (blocks: readonly Block[]) => void } {
    this.events.push(`open ${index}`)
    const kept: Block[] = []
    this.blocks.push(kept)
    return { write: blocks => { kept.push(...blocks) } }
  }

  closeShard (shard: Shard): void {
    this.events.push(`close ${shard.index}`)
    this.shards.push(shard)
  }
}

const optionsOf = (shardSize: number): { options: ReturnType<typeof defaultPinOptions> } =>
  ({
    options: {
      ...defaultPinOptions(), name: 'sh', shardSize, replicationFactorMin: 2, replicationFactorMax: 3, mode: 'direct', metadata: { k: 'v' }
    }
  })

/** The links of a map, in counting order. */
const linksOf = (block: Block | undefined): string[] =>
  Object.values(decode<Record<string, CID>>(block?.bytes ?? new Uint8Array(0))).map(String)
const cidsOf = (blocks: readonly Block[]): string[] => blocks.map(({ cid }) => String(cid))

describe('the sharder', () => {
  const blocks = numberedBlocks(10, 100)
  const [first] = blocks as [Block]

  it('fills a shard while it stays below its size, whatever the batches are', async () => {
    const results = await Promise.all([1, 3, 10].map(async batch => {
      const target = new KeepingTarget()
      const sharder = createSharder(optionsOf(401), target)
      for (let at = 0; at < blocks.length; at += batch) await sharder.write(blocks.slice(at, at + batch))
      return { target, end: await sharder.finish(first.cid) }
    }))

    for (const { target, end } of results) {
      assert.deepEqual(target.events, ['open 0', 'close 0', 'open 1', 'close 1', 'open 2', 'close 2'])
      assert.deepEqual(target.shards.map(({ sizeBytes }) => sizeBytes), [400, 400, 200])
      assert.deepEqual(target.blocks.flatMap(kept => cidsOf(kept.slice(0, -1))), cidsOf(blocks))
      assert.deepEqual(linksOf(target.blocks[0]?.at(-1)), cidsOf(blocks.slice(0, 4)))
      assert.equal(end.sizeBytes, 1000)
      assert.deepEqual(linksOf(end.blocks[0]), target.shards.map(({ cid }) => String(cid)))
    }
  })

  it('begins another shard when one has as many blocks as it may', async () => {
    const target = new KeepingTarget()
    const sharder = createSharder({ ...optionsOf(100_000), maxLinks: 4 }, target)

    await sharder.write(blocks)
    await sharder.finish(first.cid)

    assert.deepEqual(target.shards.map(({ sizeBytes }) => sizeBytes), [400, 400, 200])
  })

  it('leaves out what it has seen', async () => {
    const target = new KeepingTarget()
    const sharder = createSharder(optionsOf(301), target)
    await sharder.write([...blocks.slice(0, 5), ...blocks])
    await sharder.finish(first.cid)

    assert.equal(target.shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), 1000)
  })

  it('says which pins are to be made', async () => {
    const target = new KeepingTarget()
    const sharder = createSharder(optionsOf(601), target)
    await sharder.write(blocks)
    const { cid, pins: [clusterDag, meta] } = await sharder.finish(first.cid)

    const [one, two] = target.shards
    assert.deepEqual(target.shards.map(({ pin }) => [pin.name, pin.type, pin.maxDepth, pin.shardSize, pin.mode]), [
      ['sh-shard-0', 'shard-pin', 1, 600, 'recursive'],
      ['sh-shard-1', 'shard-pin', 1, 400, 'recursive']
    ])
    assert.equal(one?.pin.reference, null)
    assert.equal(two?.pin.reference, one?.cid)
    assert.deepEqual([two?.pin.replicationFactorMin, two?.pin.replicationFactorMax, two?.pin.metadata], [2, 3, { k: 'v' }])
    assert.deepEqual(
      [clusterDag.name, clusterDag.type, clusterDag.maxDepth, clusterDag.replicationFactorMin, clusterDag.reference],
      ['sh-clusterDAG', 'clusterdag-pin', 0, -1, first.cid]
    )
    assert.equal(clusterDag.cid, cid)
    assert.deepEqual(
      [meta.name, meta.type, meta.maxDepth, meta.shardSize, meta.replicationFactorMax, meta.reference, meta.cid],
      ['sh', 'meta-pin', 0, 601, 3, cid, first.cid]
    )
  })

  it('refuses a block that no shard can hold', async () => {
    for (const shardSize of [0, 100]) {
      await assert.rejects(
        createSharder(optionsOf(shardSize), new KeepingTarget()).write([first]),
        { code: 'INVALID_ARGUMENT', message: "block doesn't fit in empty shard: shard size too small?" }
      )
    }
    await assert.rejects(
      createSharder(optionsOf(150), new KeepingTarget()).write([first, numberedBlock(99, 200)]), { code: 'INVALID_ARGUMENT' }
    )
  })

  it('refuses to finish without blocks', async () => {
    await assert.rejects(createSharder(optionsOf(100), new KeepingTarget()).finish(first.cid), { code: 'INVALID_ARGUMENT' })
  })

  it('fails with its target', async () => {
    const target = new KeepingTarget()
    const failing: ShardTarget = {
      openShard: () => ({ write: async () => { throw new Error('no peer') } }), closeShard: shard => target.closeShard(shard)
    }

    await assert.rejects(createSharder(optionsOf(300), failing).write(blocks), { message: 'no peer' })
    assert.deepEqual(target.shards, [])
  })

  it('pins two levels deep when the shard has more links than one node takes', async () => {
    const target = new KeepingTarget()
    const sharder = createSharder(optionsOf(1e9), target)
    await sharder.write(numberedBlocks(5985, 8))
    await sharder.finish(first.cid)

    assert.equal(target.shards[0]?.pin.maxDepth, 2)
    assert.deepEqual(linksOf(target.blocks[0]?.at(-1)), cidsOf(target.blocks[0]?.slice(-3, -1).toReversed() ?? []))
  })
})

describe('maps of links', () => {
  const { cid } = numberedBlock(1)
  const counts = (length: number): number[] => {
    const map = new LinkMap()
    for (let i = 0; i < length; i++) map.add(cid)
    return map.finish().map(({ bytes }) => Object.keys(decode<object>(bytes)).length)
  }

  it('are one node up to 5984 links, then two levels; a last empty map is kept as Go makes it', () => {
    assert.deepEqual(counts(1), [1])
    assert.deepEqual(counts(5984), [5984])
    assert.deepEqual(counts(5985), [2, 5984, 1])
    assert.deepEqual(counts(11968), [3, 5984, 5984, 0])
  })

  it('have their keys in counting order, which is canonical', () => {
    const map = new LinkMap()
    for (let i = 0; i < 300; i++) map.add(numberedBlock(i).cid)

    const [node] = map.finish()
    assert.deepEqual(linksOf(node), cidsOf(numberedBlocks(300)))
    assert.ok(Buffer.from(encode(decode(node?.bytes ?? new Uint8Array(0)))).equals(node?.bytes ?? new Uint8Array(0)))
  })
})

describe('the memory of blocks seen', () => {
  it('knows the last generation and forgets what is older than two', () => {
    const seen = new SeenBlocks(3000)
    const cids = numberedBlocks(9000, 8).map(({ cid }) => cid)

    assert.ok(cids.every(cid => seen.add(cid)))
    assert.ok(cids.slice(-3000).every(cid => !seen.add(cid)))
    assert.ok(seen.add(cids[0] as CID))
  })
})

/** Bytes that are the same everywhere. */
function noise (length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0, state = 7; at < length; at++) {
    state = (((Math.imul(state, 1664525) + 1013904223) >>> 0) ^ at) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

describe('shards of files with more leaves than a node has links', { timeout: quietMs(20_000) }, () => {
  /** What ipfs-cluster 1.1.6 answers to `shard=true&shard-size=10000000` with these options. */
  const cases = [
    {
      what: '7223 leaves', length: 650_000, query: { chunker: 'size-90' },
      shard: 'bafyreifnwfk4txwspa7thitrsfokf4od2uabllkmqnwwpiynzx73j2hjxq',
      clusterDag: 'bafyreiabrotzkqox47egpthjquxxh3evclrmydevggju4biwvqevqqzkc4'
    },
    {
      what: 'three levels of nodes', length: 3_200_000, query: { chunker: 'size-100' },
      shard: 'bafyreih2s24lbkrxv4y5edsf3uoabhzxzddxl2sn2x66cexjfvravlkmly',
      clusterDag: 'bafyreidilhalwwsmc5aylllfxmuh6goxyurbimhtbpzwpwslraiia347ta'
    },
    {
      what: 'the trickle layout', length: 538_470, query: { chunker: 'size-90', layout: 'trickle' },
      shard: 'bafyreigojcidhci6fqvpoiohhigjkyw3ggok2m2q4cwngsrc4y25dqxvv4',
      clusterDag: 'bafyreibrelminxh2wetg3okneph4rj24vfhbrcnvfyxekcourc7u736waq'
    }
  ] as const
  for (const { what, length, query, shard, clusterDag } of cases) {
    it(`have their blocks in Go's order: ${what}`, async () => {
      const target = new KeepingTarget()
      const sharder = createSharder(optionsOf(10_000_000), target)

      const outputs = await importAll([fileEntry('x', noise(length))], {
        query: { 'cid-version': '1', ...query }, sink: sharder, options: { scratchBlocks: true }
      })
      const { cid } = await sharder.finish(outputs[0]?.cid as CID)

      assert.deepEqual([target.shards.map(one => String(one.cid)), String(cid)], [[shard], clusterDag])
    })
  }
})
