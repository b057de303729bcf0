import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Block, Blockstore } from '../../src/blockstore/blockstore.ts'
import { memoryBlockstore } from './memory-blockstore.ts'
import { memoryDatastore } from './memory-datastore.ts'
import { garbageCollector } from '../../src/ipfs/helia/repository/garbage.ts'
import type { GarbageCollector, Guard, RootTable } from '../../src/ipfs/helia/repository/repository.ts'
import { BlockProtection } from '../../src/ipfs/helia/repository/protection.ts'
import { recentBlocks } from '../../src/ipfs/helia/repository/recent-blocks.ts'
import type { RecentTable } from '../../src/ipfs/helia/repository/recent-blocks.ts'
import { rootTable } from '../../src/ipfs/helia/repository/root-table.ts'
import { walkScratch } from '../../src/ipfs/helia/walk/scratch.ts'
import { walkDag } from '../../src/ipfs/helia/walk/walk.ts'
import { hex } from './blocks.ts'
import { SeededRandom, SimClock } from './sim-clock.ts'

/** The local part of an embedded node, put together as the connector does, without a network. */
export interface LocalNode {
  /** For temporary files. */
  folder: string
  clock: SimClock
  blocks: Blockstore
  roots: RootTable
  recent: RecentTable
  protection: BlockProtection
  collector: GarbageCollector
  /** Pins what is here; BLOCK_MISSING when something isn't. */
  pin (cid: CID, depth?: number): Promise<void>
  /** Puts under a guard. */
  put (blocks: readonly Block[], guard: Guard): Promise<void>
  /** Multihashes of what a collection removed. */
  gc (): Promise<string[]>
  close (): Promise<void>
}

export async function localNode (options: { blocks?: Blockstore, markMemoryBytes?: number } = {}): Promise<LocalNode> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-local-'))
  const never = new AbortController().signal
  const clock = new SimClock()
  const random = new SeededRandom(1)
  const datastore = memoryDatastore()
  const { blocks = memoryBlockstore(), markMemoryBytes = 1 << 20 } = options
  const roots = rootTable({}, { datastore, clock })
  const recent = recentBlocks({}, { datastore, clock })
  const protection = new BlockProtection(
    { folder: join(folder, 'guards'), guardMemoryBytes: markMemoryBytes }, { random, log: silentLogger }
  )
  const scratch = walkScratch({ folder: join(folder, 'walks'), memoryBytes: markMemoryBytes }, { random })
  const collector = garbageCollector({ folder, markMemoryBytes }, { blocks, roots, protection, recent, scratch, random, log: silentLogger })
  for (const part of [datastore, blocks, roots]) await part.start(never)

  const getHere = async (cid: CID): Promise<Uint8Array> => {
    const bytes = await blocks.get(cid)
    if (bytes == null) throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() })
    return bytes
  }

  return {
    folder,
    clock,
    blocks,
    roots,
    recent,
    protection,
    collector,
    pin: async (cid, depth = -1) => {
      const guard = protection.guard()
      try {
        await walkDag(cid, { depth, get: getHere, guard, scratch })
        await roots.add({ cid, depth })
      } finally {
        guard.release()
      }
    },
    put: async (some, guard) => {
      await guard.protect(some.map(({ cid }) => cid))
      await blocks.put(some)
    },
    gc: async () => {
      const gone: string[] = []
      for await (const { key, error } of collector.collect()) {
        if (error !== '') throw new Error(error)
        gone.push(hex(key!.multihash.bytes))
      }
      return gone
    },
    close: async () => {
      for (const part of [roots, blocks, datastore]) await part.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
