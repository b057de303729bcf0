import { ClusterError, isClusterError } from '../../base/errors.ts'
import { gathered } from '../../base/event-loop.ts'
import { writeError } from '../level-errors.ts'
import type { BlockIndex, Entry } from './block-index.ts'
import type { NewBlock } from './record.ts'
import { Encoder } from './encoder.ts'
import type { IndexChange } from './index-change.ts'
import type { Place } from './place.ts'
import { noSegmentRow } from './place.ts'
import { recordLength } from './record.ts'
import type { SegmentFolder } from './segment-folder.ts'

/** Blocks that are written one after the other, and become visible together. */
export interface Append {
  blocks: readonly NewBlock[]
  /** Enters them in the index at the places they got, all together. Default: as blocks that it doesn't have. */
  apply?: (change: IndexChange, places: readonly Place[]) => void
  /** The disk shall have them. */
  sync?: boolean | undefined
}

/** Where blocks lie, and whether the disk has them. */
export interface Appended { segment: number, begin: number, end: number, isSynced: boolean }

interface Job extends Append { sizeBytes: number, resolve: (appended: Appended) => void, reject: (err: unknown) => void }
interface Active { id: number, sizeBytes: number }

export interface AppenderInit { segmentBytes: number, groupBytes: number, folder: string }
export interface AppenderDeps {
  index: Pick<BlockIndex, 'write' | 'enter'>
  folder: Pick<SegmentFolder, 'create' | 'use'>
}

/** Blocks of one group: they are encoded and entered in the index in one go, while everything else waits. */
const groupBlocks = 4096
/**
 * Writes up to here go to the disk in one call together with what they sync; a larger one would keep all others waiting for the disk, and
 * is synced by who needs it.
 */
const syncedWriteBytes = 512 * 1024
const largeBytes = 64 * 1024
/** Offsets have 32 bits; one group may reach over segmentBytes. */
const largestAppendBytes = 2 ** 31

/**
 * Writes to the end of the last segment. What arrives while a write runs goes with the next one.
 * A segment is never written again once it has been left.
 */
export class Appender {
  readonly #init: AppenderInit
  readonly #deps: AppenderDeps
  readonly #encoder = new Encoder()
  #queue: Job[] = []
  #running: Promise<void> | undefined
  /** What had to wait for the index. */
  #indexing: Promise<unknown> = Promise.resolve()
  #active: Active | undefined
  #highestId = 0

  constructor (init: AppenderInit, deps: AppenderDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Says where to go on: at the end of the last segment, if that has room and isn't `missing`. */
  resume (segments: ReadonlyMap<number, { sizeBytes: number }>, missing: ReadonlySet<number>): void {
    for (const [id, { sizeBytes }] of segments) {
      if (id <= this.#highestId) continue
      this.#highestId = id
      this.#active = missing.has(id) ? undefined : { id, sizeBytes }
    }
  }

  /** The segment that is written to. */
  activeId (): number | undefined { return this.#active?.id }

  /** Resolves when reads see the blocks. Throws STORAGE_FULL, and then no read ever does. */
  async append (append: Append): Promise<Appended> {
    const sizeBytes = sizeOf(append.blocks)
    if (sizeBytes > largestAppendBytes) throw new ClusterError('INVALID_ARGUMENT', { sizeBytes }, { message: 'too many bytes in one put' })
    return await new Promise<Appended>((resolve, reject) => {
      this.#queue.push({ ...append, sizeBytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** The next write begins a new segment. */
  leaveSegment (id: number): void {
    if (this.#active?.id === id) this.#active = undefined
  }

  /** Resolves when nothing is on its way. */
  async idle (): Promise<void> {
    while (this.#running != null) await this.#running
    await this.#indexing
  }

  async #run (): Promise<void> {
    // Whoever calls in this tick goes with the first write.
    await undefined
    while (this.#queue.length > 0) {
      // who brings much has been waited for
      if ((this.#queue[0]?.sizeBytes ?? 0) <= largeBytes) await gathered(() => this.#queue.length)
      const group = this.#take()
      await this.#write(group).catch(err => { for (const job of group) job.reject(err) })
    }
    this.#running = undefined
  }

  #take (): Job[] {
    let bytes = 0
    let blocks = 0
    let count = 0
    for (const job of this.#queue) {
      bytes += job.sizeBytes
      blocks += job.blocks.length
      if (count > 0 && (bytes > this.#init.groupBytes || blocks > groupBlocks)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #write (group: readonly Job[]): Promise<void> {
    const blocks = group.length === 1 && group[0] != null ? group[0].blocks : group.flatMap(job => job.blocks)
    const active = blocks.length === 0 ? { id: 0, sizeBytes: 0 } : await this.#segment()
    const begin = active.sizeBytes
    const isSynced = group.some(({ sync }) => sync === true) && sizeOf(blocks) <= syncedWriteBytes
    if (blocks.length > 0) await this.#writeBlocks(active, blocks, isSynced)
    await this.#indexing
    const entered = this.#enter(group, { segment: active.id, begin, end: active.sizeBytes, isSynced })
    if (entered != null) this.#indexing = entered
  }

  async #writeBlocks (active: Active, blocks: readonly NewBlock[], sync: boolean): Promise<void> {
    const begin = active.sizeBytes
    const buffers = this.#encoder.encode(blocks)
    try {
      await this.#deps.folder.use(active.id, async file => file.write(buffers, begin, { sync }))
    } catch (err) {
      if (isClusterError(err, 'NOT_FOUND')) this.leaveSegment(active.id)
      else await this.#undo(active.id, begin)
      throw writeError(err, this.#init.folder)
    }
    active.sizeBytes = begin + sizeOf(blocks)
  }

  /** Nothing to wait for: all is done. */
  #enter (group: readonly Job[], at: Appended): Promise<void> | undefined {
    const { index } = this.#deps
    let offset = at.begin
    const placed = group.map(({ blocks }) => blocks.map(({ multihash, bytes }) => {
      const place: Place = { segment: at.segment, offset, length: bytes.length }
      offset += recordLength(multihash.length, bytes.length)
      return place
    }))
    const isNew = group.every(({ apply }) => apply == null)
    const done = isNew
      ? index.enter(group.flatMap(({ blocks }, n) => entriesOf(blocks, placed[n] ?? [])))
      : index.write(change => { for (const [n, job] of group.entries()) apply(job, change, placed[n] ?? []) })
    const resolved = (): void => { for (const job of group) job.resolve(at) }
    if (done == null) return void resolved()
    return done.then(resolved, err => { for (const job of group) job.reject(err) })
  }

  async #segment (): Promise<Active> {
    if (this.#active != null && this.#active.sizeBytes < this.#init.segmentBytes) return this.#active
    const id = this.#highestId + 1
    try {
      await this.#deps.folder.create(id)
      await this.#deps.index.write(change => change.setSegment(id, noSegmentRow))
    } catch (err) {
      throw writeError(err, this.#init.folder)
    }
    this.#highestId = id
    this.#active = { id, sizeBytes: 0 }
    return this.#active
  }

  /** Takes half-written records away. If that fails too, the next write goes over them. */
  async #undo (id: number, sizeBytes: number): Promise<void> {
    await this.#deps.folder.use(id, async file => file.truncate(sizeBytes)).catch(() => {})
  }
}

const entriesOf = (blocks: readonly NewBlock[], places: readonly Place[]): Entry[] =>
  places.map((place, n) => ({ multihash: blocks[n]?.multihash ?? new Uint8Array(0), place }))

function apply (job: Job, change: IndexChange, places: readonly Place[]): void {
  if (job.apply != null) job.apply(change, places)
  else for (const { multihash, place } of entriesOf(job.blocks, places)) change.put(multihash, place)
}

const sizeOf = (blocks: readonly NewBlock[]): number =>
  blocks.reduce((sum, { multihash, bytes }) => sum + recordLength(multihash.length, bytes.length), 0)
