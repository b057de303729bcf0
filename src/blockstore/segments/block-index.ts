import { rename } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import type { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { GuardedFiles } from '../../leveldb/guarded-files.ts'
import type { Damage, ListLocks } from '../../leveldb/guarded-files.ts'
import { SelfRepairingLevel } from '../self-repairing-level.ts'
import { IndexChange } from './index-change.ts'
import type { Place } from './place.ts'
import { decodePlace, decodeSegmentRow, segmentIdOf, segmentKeys, blockKeys } from './place.ts'
import type { SegmentRow } from './place.ts'

export interface BlockIndexInit {
  folder: string
  /** LevelDB's write buffer; up to two are held in memory. */
  writeBufferBytes: number
  cacheBytes: number
  readAtOnce?: number | undefined
}

export interface BlockIndexDeps {
  log: Logger
  clock: Pick<Clock, 'now' | 'sleep'>
  damaged?: ((err: ClusterError) => void) | undefined
  /** See ListLocks. */
  locks?: ListLocks | undefined
}

type Build = (change: IndexChange) => void
interface Waiting { build: Build, sync: boolean, resolve: () => void, reject: (err: unknown) => void }

/**
 * Where the blocks are, in LevelDB, with one row per segment that says how much of it is indexed, live and synced.
 *
 * Changes are functions that are called when their turn comes: they see everything before them and go to the disk together with whatever
 * waits at that moment, block places and segment rows in one atomic batch.
 */
export class BlockIndex {
  readonly #level: SelfRepairingLevel
  readonly #segments = new Map<number, Readonly<SegmentRow>>()
  readonly #unsynced = new Set<number>()
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #isChanged = false
  #totals = { liveBytes: 0, liveBlocks: 0 }

  readonly #files: GuardedFiles

  constructor (init: BlockIndexInit, deps: BlockIndexDeps) {
    const { folder, readAtOnce } = init
    this.#files = new GuardedFiles(
      { folder, readAtOnce, what: 'the index of blocks' }, { ...deps, replace: async damage => putAside(folder, damage, deps) }
    )
    this.#level = new SelfRepairingLevel({ ...init, remedy: 'move this folder away and start again; it is rebuilt from the segments' })
  }

  /** Throws LOCKED, INVALID_DATA or STORAGE_FULL, naming the folder. */
  async open (): Promise<void> {
    await this.#files.prepare()
    await this.#level.open()
    for (const id of this.#segments.keys()) this.#keep(id, undefined)
    for await (const [key, value] of this.#level.db.iterator(segmentKeys)) this.#keep(segmentIdOf(key), decodeSegmentRow(value))
    this.#files.checkLater()
  }

  async close (): Promise<void> {
    await this.settled()
    await this.#files.settled()
    // Only saves time at the next start.
    const isSafe = !this.#isChanged || await this.#level.settle().then(() => true, () => false)
    await this.#level.close()
    if (isSafe) await this.#files.mark.seal()
    else this.#files.mark.end()
  }

  /** The rows of all segments, as of the last batch on disk. */
  segments (): ReadonlyMap<number, Readonly<SegmentRow>> { return this.#segments }
  /** Segments with records that a power loss may take. */
  unsynced (): ReadonlySet<number> { return this.#unsynced }
  totals (): Readonly<{ liveBytes: number, liveBlocks: number }> { return this.#totals }

  find (multihash: Uint8Array): Place | undefined {
    const value = this.#level.db.getSync(multihash)
    return value == null ? undefined : decodePlace(value)
  }

  /**
   * Applies a change; resolves when a killed process would keep it, with `sync` when a power loss would (that change and all before it).
   * Throws STORAGE_FULL, and then nothing of it is there.
   */
  async write (build: Build, options: { sync?: boolean } = {}): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ build, sync: options.sync === true, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  /** Resolves when no change is on its way. */
  async settled (): Promise<void> {
    while (this.#writing != null) await this.#writing
  }

  /** Multihashes in batches, from a snapshot; from a second one when the disk was full meanwhile. */
  async * multihashes (signal?: AbortSignal): AsyncGenerator<Uint8Array[]> {
    for await (const batch of this.#level.keys(blockKeys)) {
      signal?.throwIfAborted()
      yield batch
    }
  }

  /** Multihashes and places in batches, as `multihashes`: for repairs. */
  async * places (): AsyncGenerator<Array<{ multihash: Uint8Array, place: Place }>> {
    for await (const rows of this.#level.entries(blockKeys)) {
      yield rows.map(([multihash, value]) => ({ multihash, place: decodePlace(value) }))
    }
  }

  async #writeAll (): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0)
      try {
        await this.#commit(group)
        for (const waiting of group) waiting.resolve()
      } catch (err) {
        for (const waiting of group) waiting.reject(err)
      }
    }
    this.#writing = undefined
  }

  async #commit (group: readonly Waiting[]): Promise<void> {
    const change = new IndexChange({ find: multihash => this.find(multihash), row: id => this.#segments.get(id) })
    for (const { build } of group) build(change)
    const rows = change.rows()
    this.#isChanged ||= rows.length > 0
    if (rows.length > 0) await this.#level.batch(rows, { sync: group.some(waiting => waiting.sync) })
    for (const [id, row] of change.segments()) this.#keep(id, row)
  }

  #keep (id: number, row: Readonly<SegmentRow> | undefined): void {
    const before = this.#segments.get(id)
    this.#totals = {
      liveBytes: this.#totals.liveBytes + (row?.liveBytes ?? 0) - (before?.liveBytes ?? 0),
      liveBlocks: this.#totals.liveBlocks + (row?.liveBlocks ?? 0) - (before?.liveBlocks ?? 0)
    }
    if (row == null) this.#segments.delete(id)
    else this.#segments.set(id, row)
    if (row != null && row.syncedBytes < row.sizeBytes) this.#unsynced.add(id)
    else this.#unsynced.delete(id)
  }
}

/** A damaged index is made again from the segments, which name their blocks. */
async function putAside (folder: string, { keptAt, text }: Damage, { log }: BlockIndexDeps): Promise<void> {
  log.error(
    `the index of blocks ${folder} is damaged (${text}): it is made again from the segments, which takes a reading of all; the damaged files are kept in ${keptAt}`
  )
  await rename(folder, keptAt)
}
