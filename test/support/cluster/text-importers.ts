import type { Block } from '../../../src/blockstore/blockstore.ts'
import type { Importers } from '../../../src/cluster/add/upload.ts'
import { BlockBatch } from '../../../src/importer/block-batch.ts'
import type { Shard, SharderFactory } from '../../../src/importer/importer.ts'
import type { UploadEntry } from '../../../src/model/add.ts'
import type { CID } from '../../../src/model/cid.ts'
import { pinWithOptions } from '../../../src/model/pin.ts'
import { aBlock, aCid } from './values.ts'

/** One upload with one file per pair. */
export async function * uploadOf (...files: Array<[path: string, ...pieces: string[]]>): AsyncGenerator<UploadEntry> {
  for (const [path, ...pieces] of files) {
    yield { kind: 'file', path, content: (async function * () { for (const piece of pieces) yield Buffer.from(piece) })() }
  }
}

/** Importers for tests: every piece of content is a block, a file's root is its last block, a shard holds two blocks. */
export const textImporters: Importers = {
  unixfs: async function * (entries, _params, sink, { onRoot, progress, scratchBlocks }) {
    const batch = new BlockBatch(sink)
    for await (const entry of entries) {
      if (entry.kind !== 'file') continue
      let root: CID = aCid('')
      let size = 0
      for await (const piece of entry.content) {
        const block = aBlock(Buffer.from(piece).toString())
        root = block.cid
        size += piece.length
        batch.add(block)
        if (scratchBlocks === true) await batch.drain()
        if (progress) yield { name: entry.path, cid: null, bytes: size, size: 0 }
      }
      onRoot?.(root, entry.path)
      yield { name: entry.path, cid: root, bytes: 0, size }
    }
    await batch.finish()
  },
  car: async (content, sink) => {
    const blocks: Block[] = []
    for await (const piece of content) blocks.push(aBlock(Buffer.from(piece).toString()))
    await sink.write(blocks, { isLast: true })
    return { roots: [blocks[0]?.cid ?? aCid('')], bytes: blocks.reduce((sum, { bytes }) => sum + bytes.length, 0), size: 0 }
  },
  sharder: textSharder
}

const blocksPerShard = 2

function textSharder ({ options }: Parameters<SharderFactory>[0], target: Parameters<SharderFactory>[1]): ReturnType<SharderFactory> {
  const shards: Shard[] = []
  let open: Block[] = []
  let sink = Promise.resolve<Awaited<ReturnType<typeof target.openShard>> | undefined>(undefined)
  const close = async (): Promise<void> => {
    const node = aBlock(`shard of ${open.map(({ cid }) => cid.toString()).join()}`)
    await (await sink)?.write([node])
    const pin = {
      ...pinWithOptions(node.cid, options), type: 'shard-pin' as const, maxDepth: 1, name: `${options.name}-shard-${shards.length}`
    }
    const shard: Shard = { index: shards.length, cid: node.cid, sizeBytes: open.length, pin }
    shards.push(shard)
    open = []
    await target.closeShard(shard)
  }
  return {
    write: async blocks => {
      for (const block of blocks) {
        if (open.length === blocksPerShard) await close()
        if (open.length === 0) sink = Promise.resolve(target.openShard(shards.length))
        open.push(block)
        await (await sink)?.write([block])
      }
    },
    finish: async root => {
      await close()
      const dag = aBlock(`dag of ${shards.map(({ cid }) => cid.toString()).join()}`)
      const everywhere = { ...options, replicationFactorMin: -1, replicationFactorMax: -1, name: `${options.name}-clusterDAG` }
      return {
        cid: dag.cid,
        blocks: [dag],
        sizeBytes: shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        pins: [
          { ...pinWithOptions(dag.cid, everywhere), type: 'clusterdag-pin', maxDepth: 0, reference: root },
          { ...pinWithOptions(root, options), type: 'meta-pin', maxDepth: 0, reference: dag.cid }
        ]
      }
    }
  }
}
