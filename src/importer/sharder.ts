import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { Pin, PinOptions } from '../model/pin.ts'
import { pinWithOptions } from '../model/pin.ts'
import type { BlockSink, ClusterDag, Sharder, SharderFactory, ShardTarget } from './importer.ts'
import { batchWeight, weightOf } from './block-batch.ts'
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

/** `waiting`: blocks that will be written together. */
interface OpenShard { index: number, sink: BlockSink, links: LinkMap, sizeBytes: number, waiting: Block[], weight: number }

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
    for (const block of blocks) {
      if (!this.#seen.add(block.cid)) continue
      const open = this.#open ??= await this.#openShard()
      if (!this.#fits(open, block)) {
        if (open.links.length === 0) throw tooSmall(this.#options.shardSize, block)
        await this.#closeShard(open)
        this.#open = await this.#openShard()
        if (!this.#fits(this.#open, block)) throw tooSmall(this.#options.shardSize, block)
      }
      this.#take(this.#open, block)
      if (this.#open.weight >= batchWeight) await writeWaiting(this.#open)
    }
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

  #take (shard: OpenShard, block: Block): void {
    shard.links.add(block.cid)
    shard.sizeBytes += block.bytes.length
    shard.weight += weightOf(block)
    shard.waiting.push(block)
  }

  async #openShard (): Promise<OpenShard> {
    const index = this.#shards.length
    return { index, sink: await this.#target.openShard(index), links: new LinkMap(), sizeBytes: 0, waiting: [], weight: 0 }
  }

  async #closeShard (shard: OpenShard): Promise<void> {
    const { index, links, sizeBytes } = shard
    const nodes = links.finish()
    const cid = rootOf(nodes)
    shard.waiting.push(...nodes.toReversed())
    await writeWaiting(shard, { isLast: true })
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

async function writeWaiting (shard: OpenShard, options: { isLast?: boolean } = {}): Promise<void> {
  const { sink, waiting } = shard
  shard.waiting = []
  shard.weight = 0
  await sink.write(waiting, options)
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
