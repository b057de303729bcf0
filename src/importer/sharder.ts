import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { Pin, PinOptions } from '../model/pin.ts'
import { pinWithOptions } from '../model/pin.ts'
import type { BlockSink, ClusterDag, Sharder, SharderFactory, ShardTarget } from './importer.ts'
import { LinkMap } from './link-map.ts'
import { SeenBlocks } from './seen-blocks.ts'

/** So many distinct blocks are surely remembered (twice as many at times): 16 MiB to 32 MiB for 128 GiB of default chunks. */
const rememberedBlocks = 1 << 19

/**
 * 41 MiB. Files get there with shards of 256 GB; only archives of tiny blocks do it before. Go has no such limit, and reads smaller shards.
 */
const mostLinks = 1 << 20

/** Depths of shard-pins: the node and its blocks, or a node, its maps and their blocks. */
const plainDepth = 1
const indirectDepth = 2

/** See `Sharder`: the contract. */
export const createSharder: SharderFactory = ({ options, maxLinks = mostLinks }, target) =>
  new BlockSharder({ options: { ...options, mode: 'recursive' }, maxLinks }, target)

interface OpenShard { index: number, sink: BlockSink, links: LinkMap, sizeBytes: number }

class BlockSharder implements Sharder {
  readonly #options: PinOptions
  readonly #maxLinks: number
  readonly #target: ShardTarget
  readonly #seen = new SeenBlocks(rememberedBlocks)
  readonly #shards = new LinkMap()
  #open: OpenShard | undefined
  #previous: CID | null = null
  #totalBytes = 0

  constructor ({ options, maxLinks }: { options: PinOptions, maxLinks: number }, target: ShardTarget) {
    this.#options = options
    this.#maxLinks = maxLinks
    this.#target = target
  }

  async write (blocks: readonly Block[]): Promise<void> {
    let pending: Block[] = []
    for (const block of blocks) {
      if (!this.#seen.add(block.cid)) continue
      const open = this.#open ??= await this.#openShard()
      if (!this.#fits(open, block)) {
        if (open.links.length === 0) throw tooSmall(this.#options.shardSize, block)
        await writeAll(open, pending)
        pending = []
        await this.#closeShard(open)
        this.#open = await this.#openShard()
        if (!this.#fits(this.#open, block)) throw tooSmall(this.#options.shardSize, block)
      }
      this.#count(this.#open, block)
      pending.push(block)
    }
    if (this.#open != null) await writeAll(this.#open, pending)
  }

  async finish (dataRoot: CID): Promise<ClusterDag> {
    if (this.#open == null) throw new ClusterError('INVALID_ARGUMENT', { empty: true }, { message: 'cannot flush a nil shard' })
    await this.#closeShard(this.#open)
    this.#open = undefined
    const blocks = this.#shards.finish()
    const cid = rootOf(blocks)
    return { cid, blocks, sizeBytes: this.#totalBytes, pins: [this.#clusterDagPin(cid, dataRoot), this.#metaPin(cid, dataRoot)] }
  }

  #fits ({ links, sizeBytes }: OpenShard, { bytes }: Block): boolean {
    return links.length < this.#maxLinks && sizeBytes + bytes.length < this.#options.shardSize
  }

  #count (shard: OpenShard, { cid, bytes }: Block): void {
    shard.links.add(cid)
    shard.sizeBytes += bytes.length
  }

  async #openShard (): Promise<OpenShard> {
    const index = this.#shards.length
    return { index, sink: await this.#target.openShard(index), links: new LinkMap(), sizeBytes: 0 }
  }

  async #closeShard ({ index, sink, links, sizeBytes }: OpenShard): Promise<void> {
    const nodes = links.finish()
    const cid = rootOf(nodes)
    await sink.write(nodes.toReversed())
    const pin = this.#shardPin({ index, cid, sizeBytes, maxDepth: nodes.length > 1 ? indirectDepth : plainDepth })
    await this.#target.closeShard({ index, cid, sizeBytes, pin })
    this.#shards.add(cid)
    this.#previous = cid
    this.#totalBytes += sizeBytes
  }

  #shardPin ({ index, cid, sizeBytes, maxDepth }: { index: number, cid: CID, sizeBytes: number, maxDepth: number }): Pin {
    const pin = pinWithOptions(cid, this.#options)
    return { ...pin, name: `${pin.name}-shard-${index}`, type: 'shard-pin', maxDepth, reference: this.#previous, shardSize: sizeBytes }
  }

  #clusterDagPin (cid: CID, reference: CID): Pin {
    const pin = pinWithOptions(cid, this.#options)
    return {
      ...pin, name: `${pin.name}-clusterDAG`, type: 'clusterdag-pin', maxDepth: 0, reference, replicationFactorMin: -1,
      replicationFactorMax: -1
    }
  }

  #metaPin (reference: CID, dataRoot: CID): Pin {
    return { ...pinWithOptions(dataRoot, this.#options), type: 'meta-pin', maxDepth: 0, reference }
  }
}

async function writeAll ({ sink }: OpenShard, blocks: readonly Block[]): Promise<void> {
  if (blocks.length > 0) await sink.write(blocks)
}

function rootOf ([root]: Block[]): CID {
  if (root == null) throw new ClusterError('INTERNAL', {}, { message: 'a list without a root' })
  return root.cid
}

function tooSmall (shardSize: number, { bytes }: Block): ClusterError {
  return new ClusterError(
    'INVALID_ARGUMENT', { shardSize, blockBytes: bytes.length }, { message: "block doesn't fit in empty shard: shard size too small?" }
  )
}
