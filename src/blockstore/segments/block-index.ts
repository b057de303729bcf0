import { rename } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import type { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { GuardedFiles } from '../../leveldb/guarded-files.ts'
import type { Damage, ListLocks } from '../../leveldb/guarded-files.ts'
import { mapKey } from '../map-key.ts'
import type { LevelRow } from '../self-repairing-level.ts'
import { SelfRepairingLevel } from '../self-repairing-level.ts'
import { IndexChange } from './index-change.ts'
import type { Place } from './place.ts'
import {
  blockKeys, decodePlace, decodeSegmentRow, encodePlace, encodeSegmentRow, noSegmentRow, segmentIdOf, segmentKey, segmentKeys
} from './place.ts'
import type { SegmentRow } from './place.ts'
import { recordLength } from './record.ts'

export interface BlockIndexInit {
  folder: string
  /** LevelDB's write buffer; up to two are held in memory. */
  writeBufferBytes: number
  cacheBytes: number
  readAtOnce?: number | undefined
}

export interface BlockIndexDeps {
  log: Logger
  clock: Pick<Clock, 'now' | 'sleep' | 'after'>
  damaged?: ((err: ClusterError) => void) | undefined
  /** See ListLocks. */
  locks?: ListLocks | undefined
}

type Build = (change: IndexChange) => void
interface Waiting { build: Build, sync: boolean, resolve: () => void, reject: (err: unknown) => void }

/** A block that was written, and where. */
export interface Entry { multihash: Uint8Array, place: Place }

/** New blocks whose rows aren't on the disk yet, with the segments whose rows have changed for them. */
class Behind {
  readonly entries = new Map<string, Entry>()
  readonly segments = new Set<number>()
}

/** So many new rows, or so old ones, are written. */
const mostBehind = 1024
const behindMs = 100

/**
 * Where the blocks are, in LevelDB, with one row per segment that says how much of it is indexed, live and synced.
 *
 * Changes are functions that are called when their turn comes: they see everything before them and go to the disk together with whatever
 * waits at that moment, block places and segment rows in one atomic batch.
 *
 * New blocks (`enter`) are seen at once, and their rows follow some time behind in one batch for many: a process that is killed before
 * finds their records behind what the segment's row names, and enters them at its start.
 */
export class BlockIndex {
  readonly #level: SelfRepairingLevel
  readonly #segments = new Map<number, Readonly<SegmentRow>>()
  readonly #unsynced = new Set<number>()
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #isChanged = false
  readonly #clock: BlockIndexDeps['clock']
  #behind = new Behind()
  /** What is being written of them. */
  #following = new Behind()
  /** Changes are on their way, or rows could not be written: what is new waits for its turn, too. */
  #isInOrder = true
  #cancelTimer: (() => void) | undefined
  #totals = { liveBytes: 0, liveBlocks: 0 }

  readonly #files: GuardedFiles

  constructor (init: BlockIndexInit, deps: BlockIndexDeps) {
    const { folder, readAtOnce } = init
    this.#clock = deps.clock
    this.#files = new GuardedFiles(
      { folder, readAtOnce, what: 'the index of blocks' }, { ...deps, replace: async damage => putAside(folder, damage, deps) }
    )
    this.#level = new SelfRepairingLevel({ ...init, remedy: 'move this folder away and start again; it is rebuilt from the segments' })
  }

  /** Throws LOCKED, INVALID_DATA or STORAGE_FULL, naming the folder. */
  async open (): Promise<void> {
    await this.#files.opened(async () => this.#level.open())
    for (const id of this.#segments.keys()) this.#keep(id, undefined)
    for await (const [key, value] of this.#level.db.iterator(segmentKeys)) this.#keep(segmentIdOf(key), decodeSegmentRow(value))
    this.#files.checkLater()
  }

  async close (): Promise<void> {
    await this.idle()
    await this.#files.endCheck()
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
    if (this.#behind.entries.size > 0 || this.#following.entries.size > 0) {
      const key = mapKey(multihash)
      const entry = this.#behind.entries.get(key) ?? this.#following.entries.get(key)
      if (entry != null) return entry.place
    }
    const value = this.#level.db.getSync(multihash)
    return value == null ? undefined : decodePlace(value)
  }

  /**
   * Enters blocks that were just written and aren't in the index: seen from now on. Resolves, or gives nothing to wait for, when no kill
   * loses them. Rejects with STORAGE_FULL, and then none of them is there.
   */
  enter (entries: readonly Entry[]): Promise<void> | undefined {
    if (!this.#isInOrder) return this.write(change => { for (const { multihash, place } of entries) change.put(multihash, place) })
    for (const entry of entries) this.#enter(entry)
    if (this.#behind.entries.size >= mostBehind) this.#writing ??= this.#writeAll()
    else this.#cancelTimer ??= this.#clock.after(behindMs, () => { this.#writing ??= this.#writeAll() })
    return undefined
  }

  /**
   * Applies a change; resolves when a killed process would keep it, with `sync` when a power loss would (that change and all before it).
   * Throws STORAGE_FULL, and then nothing of it is there.
   */
  async write (build: Build, options: { sync?: boolean } = {}): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ build, sync: options.sync === true, resolve, reject })
      this.#isInOrder = false
      this.#writing ??= this.#writeAll()
    })
  }

  /** Resolves when no change is on its way. Rows that the disk has no room for are entered again at the next start. */
  async idle (): Promise<void> {
    if (this.#behind.entries.size > 0) this.#writing ??= this.#writeAll()
    while (this.#writing != null) await this.#writing
  }

  /** Multihashes in batches, from a snapshot; from a second one when the disk was full meanwhile. */
  async * multihashes (signal?: AbortSignal): AsyncGenerator<Uint8Array[]> {
    await this.idle()
    for await (const batch of this.#level.keys(blockKeys)) {
      signal?.throwIfAborted()
      yield batch
    }
  }

  /** Multihashes and places in batches, as `multihashes`: for repairs. */
  async * places (): AsyncGenerator<Entry[]> {
    await this.idle()
    for await (const rows of this.#level.entries(blockKeys)) {
      yield rows.map(([multihash, value]) => ({ multihash, place: decodePlace(value) }))
    }
  }

  async #writeAll (): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    do {
      const group = this.#waiting.splice(0)
      try {
        await this.#commit(group)
        for (const waiting of group) waiting.resolve()
        this.#isInOrder = this.#waiting.length === 0
      } catch (err) {
        this.#isInOrder = false
        for (const waiting of group) waiting.reject(err)
      }
    } while (this.#waiting.length > 0)
    this.#writing = undefined
  }

  async #commit (group: readonly Waiting[]): Promise<void> {
    const change = new IndexChange({ find: multihash => this.find(multihash), row: id => this.#segments.get(id) })
    for (const { build } of group) build(change)
    const behind = this.#following = this.#behind
    this.#behind = new Behind()
    try {
      const rows = [...this.#rowsOf(behind), ...change.rows()]
      this.#isChanged ||= rows.length > 0
      if (rows.length > 0) await this.#level.batch(rows, { sync: group.some(waiting => waiting.sync) })
    } catch (err) {
      for (const [key, entry] of this.#behind.entries) behind.entries.set(key, entry)
      for (const id of this.#behind.segments) behind.segments.add(id)
      this.#behind = behind
      throw err
    } finally {
      this.#following = new Behind()
    }
    for (const [id, row] of change.segments()) this.#keep(id, row)
  }

  #enter (entry: Entry): void {
    const { multihash, place } = entry
    const sizeBytes = recordLength(multihash.length, place.length)
    const row = this.#segments.get(place.segment) ?? noSegmentRow
    this.#behind.entries.set(mapKey(multihash), entry)
    this.#behind.segments.add(place.segment)
    this.#keep(place.segment, {
      sizeBytes: Math.max(row.sizeBytes, place.offset + sizeBytes), syncedBytes: row.syncedBytes, liveBytes: row.liveBytes + sizeBytes,
      liveBlocks: row.liveBlocks + 1
    })
  }

  * #rowsOf ({ entries, segments }: Behind): Generator<LevelRow> {
    for (const { multihash, place } of entries.values()) yield { type: 'put', key: multihash, value: encodePlace(place) }
    for (const id of segments) yield { type: 'put', key: segmentKey(id), value: encodeSegmentRow(this.#segments.get(id) ?? noSegmentRow) }
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
