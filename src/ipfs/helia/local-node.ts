import { join } from 'node:path'
import type { Blockstore as InterfaceBlockstore } from 'interface-blockstore'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import type { Clock, Random } from '../../base/clock.ts'
import { noReserve } from '../../base/disk-reserve.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { rawCodec } from '../../model/multicodec.ts'
import { garbageCollector } from './repository/garbage.ts'
import { interfaceBlockstore } from './repository/interface-blockstore.ts'
import { isLeaf } from './links/links.ts'
import type { GarbageCollector, Protection, RecentBlocks, RepoSpace, RootTable, WalkOptions } from './repository/repository.ts'
import { BlockProtection } from './repository/protection.ts'
import { recentBlocks } from './repository/recent-blocks.ts'
import { diskFree, repoSpace } from './repository/repo-space.ts'
import { rootTable } from './repository/root-table.ts'
import { walkScratch } from './walk/scratch.ts'
import { walkDag } from './walk/walk.ts'
import type { LocalWalkOptions } from './network/provider.ts'

export interface LocalNodeInit {
  storageMaxBytes: number
  /** The repository's folder: its disk's room counts, and temporary files go below it. */
  folder: string
}

export interface LocalNodeDeps {
  blockstore: Blockstore
  datastore: Datastore
  clock: Clock
  random: Random
  log: Logger
  /** What of it is given up doesn't count as room. Default: none. */
  reserve?: Pick<DiskReserve, 'lackBytes'>
  /** Blocks that Helia and its bitswap don't see. Default: none. */
  isHidden?: (cid: CID) => boolean
}

/** Everything of the embedded node that needs no network, assembled. */
export interface LocalNode {
  roots: RootTable
  protection: Protection
  recent: RecentBlocks
  collector: GarbageCollector
  space: RepoSpace
  interfaceBlockstore: InterfaceBlockstore
  walk: (root: CID, options: WalkOptions) => Promise<void>
  isLeaf: (cid: CID) => boolean
  walkLocal: (root: CID, options: LocalWalkOptions) => Promise<void>
  /** v1 raw CIDs of all blocks. */
  allBlocks: (signal: AbortSignal) => AsyncIterable<CID[]>
  start (signal: AbortSignal): Promise<void>
  stop (): Promise<void>
}

/** The embedded node without its network, in the order in which its parts need each other. */
export function localNode ({ storageMaxBytes, folder }: LocalNodeInit, deps: LocalNodeDeps): LocalNode {
  const { blockstore, clock, random, log, reserve = noReserve } = deps
  const temporary = join(folder, 'temporary')
  const roots = rootTable({}, deps)
  const recent = recentBlocks({}, deps)
  const scratch = walkScratch({ folder: temporary }, { random })
  const protection = new BlockProtection({ folder: temporary }, { random, log })
  return {
    roots,
    recent,
    protection,
    collector: garbageCollector({ folder: temporary }, { blocks: blockstore, roots, protection, recent, scratch, random, log }),
    space: repoSpace({ storageMaxBytes, folder }, {
      blocks: blockstore, clock, diskFree: async of => Math.max(0, await diskFree(of) - reserve.lackBytes())
    }),
    interfaceBlockstore: interfaceBlockstore(blockstore, deps.isHidden),
    walk: async (root, options) => walkDag(root, { scratch, ...options }),
    isLeaf,
    walkLocal: async (root, { visit, ...options }) => walkDag(root, {
      ...options,
      scratch,
      getAgain: async cid => blockstore.get(cid),
      get: async cid => {
        const bytes = isLeaf(cid) ? undefined : await blockstore.get(cid)
        await visit(cid)
        return bytes
      }
    }),
    allBlocks: signal => allBlocks(blockstore, signal),
    start: async signal => {
      await protection.start()
      await roots.start(signal)
      // a disk without room doesn't keep anybody from starting
      await recent.start().catch(err => log.warn('records of recent blocks could not be cleaned up', { err }))
    },
    stop: async () => roots.stop()
  }
}

async function * allBlocks (blockstore: Blockstore, signal: AbortSignal): AsyncGenerator<CID[]> {
  for await (const multihashes of blockstore.multihashes({ signal })) {
    yield multihashes.map(multihash => CID.createV1(rawCodec, Digest.decode(multihash)))
  }
}
