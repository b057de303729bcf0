import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { noReserve } from '../../base/disk-reserve.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { ListLocks } from '../../leveldb/guarded-files.ts'
import type {
  Allocate, Block, BlockPlace, BlockPutOptions, BlockReadOptions, Blockstore, BlockstoreOptions, JoinedRead, SizedBlock
} from '../blockstore.ts'
import { claimFolder } from '../format-file.ts'
import { identityBytes, isIdentity } from '../identity.ts'
import { mapKey } from '../map-key.ts'
import { OpenGate } from '../open-gate.ts'
import { SharedRun } from '../../base/shared-run.ts'
import { Appender } from './appender.ts'
import type { Appended } from './appender.ts'
import { BlockIndex } from './block-index.ts'
import type { CompactionDeps, CompactionInit } from './compaction.ts'
import { compactSegment, pickSegment } from './compaction.ts'
import type { NewBlock } from './record.ts'
import type { SegmentFiles } from './files.ts'
import { diskFiles } from './files.ts'
import { joinedRead } from './joined-read.ts'
import type { Place } from './place.ts'
import { goingSizeBytes, samePlace } from './place.ts'
import { RecentChecks, usualChecks } from './recent-checks.ts'
import { ReadRoom } from './read-room.ts'
import { QuickReads } from './quick-reads.ts'
import { RecordReader } from './record-reader.ts'
import type { PlacedBlock } from './record-reader.ts'
import { BlockCache } from './block-cache.ts'
import { recordLength } from './record.ts'
import { forgetMissing, recover } from './recovery.ts'
import { SegmentFolder } from './segment-folder.ts'
import { pickCheapest, shrinkSegment } from './shrinking.ts'

const format = { format: 'helia-cluster-segments', version: 1 }
/** What a block takes in the index, about. */
const indexBytesPerBlock = 64
/** On a disk that is nearly full a segment is worth the work for fewer dead bytes. */
const worthWhenTightBytes = 64 * 1024
/** What the index needs on the disk at times. */
const indexRoomBytes = 16 * 1024 * 1024
/** LevelDB's write buffer and cache for the index. */
const indexBufferBytes = 8 * 1024 * 1024
const indexCacheBytes = 16 * 1024 * 1024
/** Between two looks at what there is to tidy up. */
const upkeepMs = 10_000
const upkeepWhenTightMs = 1000

export interface SegmentBlockstoreInit {
  folder: string
  /** A new segment is begun when the last one has this many bytes. Default 256 MiB, at most 1 GiB. */
  segmentBytes?: number
  /** Segment files that are kept open. Default 64. */
  openFiles?: number
  /** Memory for small blocks that were put last. Default 4 MiB. */
  recentBytes?: number
  /** Segments with less than this share of live bytes are copied away. Default 0.5. */
  liveShare?: number
  /** … if that many bytes can be won. Default 1/16 of segmentBytes. */
  worthBytes?: number
  /** Tables of the index up to so many bytes are checked before it is opened, larger ones meanwhile. Default 4 MiB. */
  readAtOnce?: number
}

export interface SegmentBlockstoreDeps {
  log: Logger
  /** Dates the folder of damaged files, and limits the rate of the log. */
  clock: Clock
  /** The index was found damaged while it is in use; a new start makes it again. */
  damaged? (err: ClusterError): void
  /** See ListLocks. */
  locks?: ListLocks | undefined
  /** Default: the machine's disk. */
  files?: SegmentFiles
  /** Given up when the disk is too full to give space back. Default: none. */
  reserve?: DiskReserve
}

/**
 * A blockstore with a background worker, to be given to the WorkerRunner: syncs now and then (which bounds recovery) and gives space back.
 */
export interface UpkeptBlockstore extends Blockstore { readonly upkeep: Worker }

/** What takes longer didn't come out of the disk's cache, and has no place on a thread with others to serve. Milliseconds. */
const cachedReadMs = 1
/** Enough for every thread of the pool; many readers of large blocks wait for each other. */
const bytesReadAtOnce = 16 * 1024 * 1024

/** Blocks in append-only segment files with an index in LevelDB: docs/design/storage.md. */
export function segmentBlockstore (init: SegmentBlockstoreInit, deps: SegmentBlockstoreDeps): UpkeptBlockstore {
  const segmentBytes = init.segmentBytes ?? 256 * 1024 * 1024
  if (!(segmentBytes > 0 && segmentBytes <= 2 ** 30)) {
    throw new ClusterError('INVALID_ARGUMENT', { segmentBytes }, { message: 'segmentBytes must be between 1 and 1 GiB' })
  }
  return new SegmentBlockstore({ ...init, segmentBytes }, deps)
}

class SegmentBlockstore implements UpkeptBlockstore {
  readonly name = 'blockstore'
  readonly upkeep: Worker
  readonly #init: SegmentBlockstoreInit & { segmentBytes: number }
  readonly #deps: SegmentBlockstoreDeps
  readonly #index: BlockIndex
  readonly #folder: SegmentFolder
  readonly #appender: Appender
  readonly #gate = new OpenGate('the block store')
  readonly #syncing = new SharedRun(async () => this.#syncNow())
  readonly #syncingData = new SharedRun(async () => { await this.#syncData() })
  /** How much of each segment is on the disk, beyond what its row says. */
  readonly #dataSynced = new Map<number, number>()
  readonly #recent: BlockCache
  readonly #reserve: DiskReserve
  readonly #records: RecordReader
  readonly #listeners = new Set<(gone: readonly number[]) => void>()
  /** Blocks on their way to the disk, and out of the index. */
  readonly #putting = new Map<string, Promise<void>>()
  readonly #deleting = new Map<string, number>()
  /** Segments whose files are gone. */
  readonly #forgetting = new Map<number, Promise<void>>()

  readonly #log: Logger
  #lostBlocks = 0

  constructor (init: SegmentBlockstoreInit & { segmentBytes: number }, deps: SegmentBlockstoreDeps) {
    this.#init = init
    this.#deps = deps
    this.#log = rateLimitedLogger(deps)
    const { folder, segmentBytes } = init
    this.#reserve = deps.reserve ?? noReserve
    this.#index = new BlockIndex({
      folder: join(folder, 'index'),
      writeBufferBytes: indexBufferBytes,
      cacheBytes: indexCacheBytes,
      readAtOnce: init.readAtOnce
    }, deps)
    this.#recent = new BlockCache(init.recentBytes ?? 4 * 1024 * 1024)
    this.#folder = new SegmentFolder({ folder: this.#segmentsFolder(), openFiles: init.openFiles ?? 64 }, deps.files ?? diskFiles)
    const time = (): number => deps.clock.elapsed()
    this.#records = new RecordReader({
      folder: this.#folder, room: new ReadRoom(bytesReadAtOnce), checks: new RecentChecks(usualChecks, { time }),
      unhurried: new QuickReads({ slowMs: cachedReadMs }, { time, hasOthers: () => true })
    })
    this.#appender = new Appender({ segmentBytes, groupBytes: 4 * 1024 * 1024, folder }, { index: this.#index, folder: this.#folder })
    this.upkeep = {
      name: 'block store upkeep',
      intervalMs: () => this.#reserve.lackBytes() > 0 ? upkeepWhenTightMs : upkeepMs,
      jitter: 0.2,
      runAtStart: false,
      work: async signal => this.#upkeep(signal)
    }
  }

  async start (signal?: AbortSignal): Promise<void> {
    if (await claimFolder(this.#init.folder, format)) {
      this.#deps.log.warn('version.json was damaged and is written again', { folder: this.#init.folder })
    }
    await mkdir(this.#segmentsFolder(), { recursive: true })
    await this.#index.open()
    try {
      const { lostBlocks, missing } = await recover({ index: this.#index, folder: this.#folder, log: this.#deps.log }, signal)
      this.#lostBlocks += lostBlocks
      this.#appender.resume(this.#index.segments(), missing)
    } catch (err) {
      await this.#index.close()
      throw err
    }
    this.#gate.open()
  }

  async stop (): Promise<void> {
    if (!await this.#gate.close()) return
    await this.#appender.idle()
    await this.#syncNow().finally(async () => {
      await this.#index.close()
      await this.#folder.close()
    })
  }

  async put (blocks: readonly Block[], options: BlockPutOptions = {}): Promise<void> {
    await this.#gate.pass(async () => this.#put(blocks, options))
  }

  async get (cid: CID, options: BlockReadOptions = {}): Promise<Uint8Array | undefined> {
    return await this.#gate.pass(async () => {
      options.signal?.throwIfAborted()
      return identityBytes(cid) ?? await this.#read(cid.multihash.bytes, options)
    })
  }

  has (cid: CID): boolean { return this.sizeOf(cid) != null }

  sizeOf (cid: CID): number | undefined {
    this.#gate.check()
    return identityBytes(cid)?.length ?? this.#index.find(cid.multihash.bytes)?.length
  }

  async delete (cids: readonly CID[], options: BlockstoreOptions = {}): Promise<void> {
    await this.#gate.pass(async () => {
      options.signal?.throwIfAborted()
      const multihashes = cids.map(cid => cid.multihash.bytes)
      for (const multihash of multihashes) this.#countDeleting(mapKey(multihash), 1)
      try {
        await this.#withReserve(async () => this.#index.write(change => { for (const multihash of multihashes) change.delete(multihash) }))
      } finally {
        for (const multihash of multihashes) this.#countDeleting(mapKey(multihash), -1)
        this.#tell()
      }
    })
  }

  placeOf (cid: CID): BlockPlace | undefined {
    this.#gate.check()
    return isIdentity(cid) ? undefined : this.#index.find(cid.multihash.bytes)
  }

  joined (blocks: readonly SizedBlock[], allocate?: Allocate): JoinedRead | undefined {
    const found = joinedRead(this.#placed(blocks), { records: this.#records, allocate })
    return found == null ? undefined : { count: found.count, read: async () => this.#gate.pass(async () => found.read()) }
  }

  onChange (changed: (gone: readonly number[]) => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  async sync (): Promise<void> { await this.#gate.pass(async () => this.#syncingData.run()) }

  async * multihashes (options: BlockstoreOptions = {}): AsyncGenerator<Uint8Array[]> {
    this.#gate.check()
    for await (const batch of this.#index.multihashes(options.signal)) {
      yield batch
      this.#gate.check()
    }
  }

  lostBlocks (): number { return this.#lostBlocks }

  sizeBytes (): number {
    this.#gate.check()
    const { liveBytes, liveBlocks } = this.#index.totals()
    return liveBytes + liveBlocks * indexBytesPerBlock
  }

  /** As far as they are here, and as long as is said. */
  * #placed (blocks: readonly SizedBlock[]): Generator<PlacedBlock> {
    for (const { cid, sizeBytes } of blocks) {
      const place = this.placeOf(cid)
      if (place?.length !== sizeBytes) return
      yield { place, multihash: cid.multihash.bytes }
    }
  }

  async #put (blocks: readonly Block[], { signal, sync = false }: BlockPutOptions): Promise<void> {
    signal?.throwIfAborted()
    const mine = Promise.withResolvers<void>()
    const others = new Set<Promise<void>>()
    const fresh: NewBlock[] = []
    const keys = new Set<string>()
    let isSynced = true
    for (const { cid, bytes, crc32 } of blocks) {
      const multihash = cid.multihash.bytes
      const key = mapKey(multihash)
      const putting = this.#putting.get(key) ?? (keys.has(key) ? mine.promise : undefined)
      if (putting != null) others.add(putting)
      if (putting != null || isIdentity(cid)) continue
      const known = this.#deleting.has(key) ? undefined : this.#index.find(multihash)
      if (known == null) {
        fresh.push({ multihash, bytes, crc32 })
        keys.add(key)
      } else if (sync) {
        isSynced &&= this.#isOnDisk(known.segment, known.offset + recordLength(multihash.length, known.length))
      }
    }
    // Only now, in the same tick: the look-ups above may throw.
    for (const key of keys) this.#putting.set(key, mine.promise)
    if (fresh.length > 0) mine.resolve(this.#appendNew(fresh, { keys, sync }).then(appended => { isSynced &&= appended.isSynced }))
    else mine.resolve()
    others.delete(mine.promise)
    isSynced &&= others.size === 0
    await mine.promise
    if (others.size > 0) await Promise.all(others)
    if (sync) await (isSynced ? this.#folder.syncNames() : this.#syncingData.run())
  }

  /** `isSynced`: the disk has the blocks, and all that was written to their segment before. */
  async #appendNew (
    blocks: readonly NewBlock[], { keys, sync }: { keys: ReadonlySet<string>, sync: boolean }
  ): Promise<{ isSynced: boolean }> {
    try {
      const appended = await this.#appender.append({ blocks, sync })
      if (appended.isSynced) this.#noteSynced(appended)
      for (const { multihash, bytes } of blocks) this.#recent.add(multihash, bytes)
      return { isSynced: this.#isOnDisk(appended.segment, appended.end) }
    } finally {
      for (const key of keys) this.#putting.delete(key)
    }
  }

  #isOnDisk (segment: number, end: number): boolean { return this.#syncedBytes(segment) >= end }

  /** So much of a segment survives a power loss. */
  #syncedBytes (segment: number): number {
    return Math.max(this.#dataSynced.get(segment) ?? 0, this.#index.segments().get(segment)?.syncedBytes ?? 0)
  }

  /** What lies before it may have been written without a sync. */
  #noteSynced ({ segment, begin, end }: Appended): void {
    const before = this.#syncedBytes(segment)
    if (before >= begin && before < end) this.#dataSynced.set(segment, end)
  }

  async #read (multihash: Uint8Array, options: BlockReadOptions): Promise<Uint8Array | undefined> {
    // A block moves at most now and then, so the second look nearly always finds it at rest.
    for (let tries = 0; tries < 5; tries++) {
      const place = this.#index.find(multihash)
      if (place == null) return undefined
      try {
        const kept = options.fromDisk === true ? undefined : this.#recent.get(multihash)
        return kept ?? await this.#readAt(place, multihash, options)
      } catch (err) {
        const now = this.#index.find(multihash)
        const isMoved = now == null || !samePlace(now, place)
        if (!isClusterError(err, 'NOT_FOUND') && !(isMoved && isClusterError(err, 'INVALID_DATA'))) throw err
        if (!isMoved) await this.#forgetMissing(place.segment)
      }
    }
    throw damaged(this.#init.folder, multihash)
  }

  async #readAt (
    place: Place, multihash: Uint8Array, { allocate = Buffer.allocUnsafeSlow, isUnchecked, isUnhurried }: BlockReadOptions
  ): Promise<Uint8Array | undefined> {
    return await this.#records.read(place, multihash, allocate, { isUnchecked, isUnhurried })
      ?? await this.#records.read(place, multihash, allocate) ?? await this.#giveUp(place, multihash)
  }

  /** A damaged block is no longer here: it can be put again. Throws INVALID_DATA when that is no longer its place. */
  async #giveUp (place: Place, multihash: Uint8Array): Promise<undefined> {
    let isLost = false
    await this.#index.write(change => { isLost = change.deleteAt(multihash, place) })
    // it has moved meanwhile, or somebody else who read it has told
    if (!isLost) throw damaged(this.#init.folder, multihash, place)
    this.#tell()
    this.#lostBlocks++
    const { segment, offset, length } = place
    this.#log.warn(
      'a block is damaged and is not here any more',
      { folder: this.#init.folder, multihash: Buffer.from(multihash).toString('hex'), segment, offset, length }
    )
    return undefined
  }

  /** The file of the segment is gone: its blocks are no longer here, and can be put again. */
  async #forgetMissing (id: number): Promise<void> {
    const running = this.#forgetting.get(id) ?? this.#forgetMissingNow(id).finally(() => this.#forgetting.delete(id))
    this.#forgetting.set(id, running)
    await running
  }

  async #forgetMissingNow (id: number): Promise<void> {
    this.#appender.leaveSegment(id)
    await this.#appender.append({ blocks: [], apply: () => {} }) // behind everything that was written before
    this.#lostBlocks += await forgetMissing({ index: this.#index, folder: this.#folder, log: this.#deps.log }, id)
    this.#dataSynced.delete(id)
    this.#tell([id])
  }

  /** Work on the file of a segment. When that is gone, its blocks are, too, and the next time there is nothing to do. */
  async #onFile<T> (id: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (err) {
      if (isClusterError(err, 'NOT_FOUND')) await this.#forgetMissing(id)
      throw err
    }
  }

  #countDeleting (key: string, by: number): void {
    const count = (this.#deleting.get(key) ?? 0) + by
    if (count === 0) this.#deleting.delete(key)
    else this.#deleting.set(key, count)
  }

  /**
   * Makes the records survive a power loss. The index may lose its last changes then: a start enters them again from the segments. Half the
   * price of a whole sync, for callers that wait.
   */
  async #syncData (): Promise<Array<{ id: number, sizeBytes: number }>> {
    const sizes = [...this.#index.unsynced()].map(id => ({ id, sizeBytes: this.#index.segments().get(id)?.sizeBytes ?? 0 }))
    await this.#folder.syncNames()
    await Promise.all(sizes.map(async ({ id, sizeBytes }) => {
      if (this.#isOnDisk(id, sizeBytes)) return
      await this.#onFile(id, async () => this.#folder.use(id, async file => file.datasync()))
      this.#dataSynced.set(id, Math.max(sizeBytes, this.#syncedBytes(id)))
    }))
    return sizes
  }

  /** Makes the index survive it too, which bounds what a start reads again, and lets segments be removed. */
  async #syncNow (): Promise<void> {
    const synced = await this.#syncData()
    await this.#index.write(change => {
      for (const { id, sizeBytes } of synced) change.setSegment(id, { syncedBytes: sizeBytes })
    }, { sync: true })
    for (const { id, sizeBytes } of synced) if ((this.#dataSynced.get(id) ?? 0) <= sizeBytes) this.#dataSynced.delete(id)
  }

  async #upkeep (signal: AbortSignal): Promise<'busy' | 'idle'> {
    return await this.#gate.pass(async () => {
      const tight = await this.#whenTight()
      if (this.#index.unsynced().size > 0) await this.#syncing.run()
      const init = this.#compactionInit()
      const id = tight?.id ?? pickSegment(this.#index.segments(), init)
      if (id == null) return 'idle'
      const deps: CompactionDeps = {
        index: this.#index, appender: this.#appender, folder: this.#folder, log: this.#deps.log, sync: async () => this.#syncing.run()
      }
      if (tight == null || this.#liveBytes(id) <= tight.budgetBytes) {
        await this.#onFile(id, async () => compactSegment(id, init, deps, signal))
        this.#tell([id])
        return 'busy'
      }
      const { budgetBytes } = tight
      const shrunk = await this.#onFile(
        id, async () => shrinkSegment(id, { copyBytes: Math.min(init.copyBytes, budgetBytes), budgetBytes }, deps, signal)
      )
      this.#tell()
      return shrunk > 0 ? 'busy' : 'idle'
    })
  }

  #tell (gone: readonly number[] = []): void { for (const changed of this.#listeners) changed(gone) }

  /**
   * On a disk with less room than the reserve should have: the segment to begin with, if there is something to win, and how much may be
   * copied.
   */
  async #whenTight (): Promise<{ id: number, budgetBytes: number } | undefined> {
    const reserve = this.#reserve
    let freeBytes = await reserve.freeBytes()
    if (reserve.lackBytes() === 0 && freeBytes >= reserve.sizeBytes()) return undefined
    const id = pickCheapest(this.#index.segments(), worthWhenTightBytes)
    if (id == null) return undefined
    if (freeBytes < this.#liveBytes(id) + 2 * indexRoomBytes) {
      await reserve.giveUp()
      freeBytes = await reserve.freeBytes()
    }
    return { id, budgetBytes: freeBytes / 2 }
  }

  #liveBytes (id: number): number {
    const row = this.#index.segments().get(id)
    return row == null || row.sizeBytes === goingSizeBytes ? 0 : row.liveBytes
  }

  /** For what makes room: once more, with the reserve given up, when the disk is full. */
  async #withReserve (work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (err) {
      if (!isClusterError(err, 'STORAGE_FULL')) throw err
      await this.#reserve.giveUp()
      await work()
    }
  }

  #compactionInit (): CompactionInit {
    const { liveShare = 0.5, segmentBytes, worthBytes = segmentBytes / 16 } = this.#init
    return { liveShare, worthBytes, copyBytes: 2 * 1024 * 1024 }
  }

  #segmentsFolder (): string { return join(this.#init.folder, 'segments') }
}

function damaged (folder: string, multihash: Uint8Array, place?: Place): ClusterError {
  const facts = {
    folder, multihash: Buffer.from(multihash).toString('hex'), ...(place == null ? {} : { segment: place.segment, offset: place.offset })
  }
  return new ClusterError('INVALID_DATA', facts, { message: `a block in ${folder} is damaged` })
}
