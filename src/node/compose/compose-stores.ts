import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import { levelBlockstore } from '../../blockstore/level/level.ts'
import { segmentBlockstore } from '../../blockstore/segments/segments.ts'
import type { Clock } from '../../base/clock.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import type { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import { isProvenRow } from '../../consensus/crdt/repair.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { LevelDatastoreDeps } from '../../datastore/level/level-datastore.ts'
import { levelDatastore } from '../../datastore/level/level-datastore.ts'
import { fileReserve } from '../folder/disk-reserve.ts'
import { statePath } from '../folder/folder.ts'
import { temporaryPrefix } from '../folder/leftovers.ts'

const MiB = 1024 * 1024

/** Empty and started; `discard` closes and removes it. */
export interface TemporaryStore { store: Datastore, discard: () => Promise<void> }

/** Everything of a peer that is on the disk. */
export interface Stores {
  /** The CRDT's alone: cleaning the state wipes it. */
  pinset: Datastore
  /** What only this peer knows: roots of the IPFS node, unfinished unpins. */
  local: Datastore
  /** Blocks of the embedded IPFS node; undefined with an external Kubo. */
  blocks: Blockstore | undefined
  /** Room for the way out of a full disk. To be started before all others. */
  reserve: DiskReserve & Startable
  /** A store for one answer that doesn't fit into memory. */
  temporary: () => Promise<TemporaryStore>
}

export interface StoresDeps {
  log: Logger
  workers: Workers
  clock: Clock
  locks?: LevelDatastoreDeps['locks']
  /** A store was found damaged while it is in use. */
  damaged (err: ClusterError): void
}

export interface StoresInit { folder: string, config: ServiceConfig }

/**
 * `state/pinset`, `state/local`, `blocks` and `tmp` below the peer's folder. Write buffers are what counts in memory: up to two of each are
 * held while one is flushed.
 */
export function composeStores ({ folder, config }: StoresInit, { log, workers, clock, locks, damaged }: StoresDeps): Stores {
  const state = statePath(folder, config)
  const reserve = fileReserve({ folder }, { log })
  workers.add(reserve.upkeep)
  return {
    reserve,
    pinset: levelDatastore(
      { folder: join(state, 'pinset'), writeBufferBytes: 16 * MiB, cacheBytes: 16 * MiB },
      { log, clock, locks, damaged, reserve, proven: isProvenRow }
    ),
    local: levelDatastore(
      { folder: join(state, 'local'), writeBufferBytes: 8 * MiB, cacheBytes: 8 * MiB }, { log, clock, locks, damaged, reserve }
    ),
    blocks: config.ipfs.kind === 'helia'
      ? composeBlocks(config.ipfs.blockstore, join(folder, 'blocks'), { log, workers, clock, locks, damaged, reserve })
      : undefined,
    temporary: async () => temporaryStore(join(folder, temporaryPrefix), { log, clock })
  }
}

function composeBlocks (
  kind: string, folder: string, { log, workers, clock, locks, damaged, reserve }: StoresDeps & { reserve: DiskReserve }
): Blockstore {
  if (kind === 'level') return levelBlockstore({ folder }, { log: log.child('blockstore'), clock, locks, damaged })
  const blocks = segmentBlockstore({ folder }, { log: log.child('blockstore'), clock, locks, damaged, reserve })
  workers.add(blocks.upkeep)
  return blocks
}

async function temporaryStore (prefix: string, deps: { log: Logger, clock: Clock }): Promise<TemporaryStore> {
  const folder = await mkdtemp(prefix)
  const store = levelDatastore({ folder, writeBufferBytes: 4 * MiB, cacheBytes: 4 * MiB, temporary: true }, deps)
  await store.start(new AbortController().signal)
  return {
    store,
    discard: async () => {
      await store.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
