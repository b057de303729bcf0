import { statfs } from 'node:fs/promises'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import type { RepoStat } from '../../ipfs.ts'
import type { RepoSpace } from './repository.ts'

export interface RepoSpaceInit {
  /** `ipfs_connector.helia.storage_max`; Infinity: as much as the disk has. */
  storageMaxBytes: number
  /** Where the blocks are. */
  folder: string
}

export interface RepoSpaceDeps {
  blocks: Pick<Blockstore, 'sizeBytes'>
  clock: Pick<Clock, 'elapsed'>
  /** Free bytes of the disk that holds a folder. Default: statfs. */
  diskFree?: (folder: string) => Promise<number>
}

/** The disk is asked at most this often by `ensureRoom`. */
const diskAgeMs = 1000

/** Bytes that a program without special rights may still write. */
export async function diskFree (folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** The room of a repository; counts nothing before it is started. */
export function repoSpace (init: RepoSpaceInit, deps: RepoSpaceDeps): RepoSpace { return new StoreSpace(init, deps) }

class StoreSpace implements RepoSpace {
  readonly #init: RepoSpaceInit
  readonly #deps: RepoSpaceDeps
  /** What the disk had at `at`, less what was granted since then. */
  #disk = { at: -Infinity, freeBytes: 0 }

  constructor (init: RepoSpaceInit, deps: RepoSpaceDeps) {
    this.#init = init
    this.#deps = deps
  }

  async stat (): Promise<RepoStat> {
    await this.#askDisk()
    const repoSize = this.#deps.blocks.sizeBytes()
    const { storageMaxBytes } = this.#init
    const storageMax = Number.isFinite(storageMaxBytes) ? storageMaxBytes : repoSize + this.#disk.freeBytes
    return { repoSize, storageMax, freeBytes: Math.max(0, Math.min(storageMax - repoSize, this.#disk.freeBytes)) }
  }

  async ensureRoom (bytes: number): Promise<void> {
    const repoSize = this.#deps.blocks.sizeBytes()
    const { storageMaxBytes, folder } = this.#init
    if (repoSize + bytes > storageMaxBytes) {
      throw new ClusterError('STORAGE_FULL', { wantedBytes: bytes, usedBytes: repoSize, storageMaxBytes }, {
        message: `no room for ${bytes} more bytes: ${repoSize} of ${storageMaxBytes} allowed bytes are used. ` +
          'Raise ipfs_connector.helia.storage_max, or unpin content and collect garbage'
      })
    }
    if (this.#deps.clock.elapsed() - this.#disk.at >= diskAgeMs || bytes > this.#disk.freeBytes) await this.#askDisk()
    if (bytes > this.#disk.freeBytes) {
      throw new ClusterError('STORAGE_FULL', { wantedBytes: bytes, diskFreeBytes: this.#disk.freeBytes, folder }, {
        message: `no room for ${bytes} more bytes: the disk of ${folder} has ${this.#disk.freeBytes} bytes left (storage_max would allow ` +
          `${Number.isFinite(storageMaxBytes) ? storageMaxBytes - repoSize : 'any number of'} more). Free some space there, or unpin content and collect garbage`
      })
    }
    this.#disk.freeBytes -= bytes
  }

  async #askDisk (): Promise<void> {
    const freeBytes = await (this.#deps.diskFree ?? diskFree)(this.#init.folder)
    this.#disk = { at: this.#deps.clock.elapsed(), freeBytes }
  }
}
