import { CID } from 'multiformats/cid'
import type { Block } from '../../../blockstore/blockstore.ts'
import { ClusterError } from '../../../base/errors.ts'
import { yieldToEventLoop } from '../../../base/event-loop.ts'
import { Mutex } from '../../../base/mutex.ts'
import { isLeaf, linksBegin, readable, readLinks } from '../links/links.ts'
import type { LinkLimit, LinkPosition } from '../links/link-position.ts'
import type { WaitingLink, WaitingLinks } from '../../dag-reader.ts'
import type { ByteStack } from '../repository/repository.ts'

export interface PendingLinksInit {
  /** Blocks whose links wait are kept up to this; those whose turn comes last are read again. Default 8 MiB. */
  memoryBytes?: number | (() => number)
  /** Whether links have their names (dag-pb only). */
  withNames?: boolean
}

export interface PendingLinksDeps {
  stack: ByteStack
  /** A block again that was pushed before. */
  read: (cid: CID) => Promise<Uint8Array>
  /** Called with links before they can be taken. */
  onLinks?: (cids: readonly CID[]) => Promise<void>
}

const limit: LinkLimit = { links: 256, steps: 65_536 }
/** Memory of a decoded link. */
const linkBytes = 700
/** Memory of a level beside its block. */
const levelBytes = 1000
/** A level in the stack: depth, position, items left, links to skip; then the CID. */
const recordHead = 16

/** A block whose links wait. Some of them are decoded (`links`, from `taken` on), `next` is where the others begin. */
interface Level {
  cid: CID
  depth: number
  bytes: Uint8Array | undefined
  links: CID[]
  names: string[] | undefined
  taken: number
  /** Where `links` begin. */
  from: LinkPosition
  next: LinkPosition
  /** Links behind `next` that were taken before the level went to the stack. */
  skip: number
  costBytes: number
}

/**
 * The links that a walk has still to follow, last in, first out, and for each block in order. What is kept of a block is its CID and the
 * position of its next link; its bytes stay for as long as there is room and are read again otherwise. Levels beyond that go to the stack.
 * So memory is bounded by `memoryBytes` (and the blocks of one tick), whatever the number of links and levels.
 *
 * One at a time: `take` and `load` aren't called while a `load` is under way. `push` may be, at any time.
 */
export class PendingLinks implements WaitingLinks {
  readonly #memoryBytes: () => number
  readonly #withNames: boolean
  readonly #deps: PendingLinksDeps
  /** The next one is the last. */
  readonly #levels: Level[] = []
  #costBytes = 0
  #loading: Level | undefined
  readonly #mutex = new Mutex()

  constructor (init: PendingLinksInit, deps: PendingLinksDeps) {
    const { memoryBytes = 8 * 1024 * 1024 } = init
    this.#memoryBytes = typeof memoryBytes === 'number' ? () => memoryBytes : memoryBytes
    this.#withNames = init.withNames ?? false
    this.#deps = deps
  }

  /** True when no link waits. */
  isEmpty (): boolean { return this.#levels.length === 0 && this.#deps.stack.isEmpty() }

  /** The links of this block come next. Throws INVALID_DATA for bytes that can't be read at all. */
  push (block: Block, depth: number): void {
    if (isLeaf(block.cid)) return
    this.#add({ cid: block.cid, depth, bytes: owned(readable(block)), from: linksBegin(), next: linksBegin(), skip: 0 })
  }

  /** The next link; undefined when there is none or `load` has to bring it. */
  take (): WaitingLink | undefined {
    for (let level = this.#levels.at(-1); level != null; level = this.#levels.at(-1)) {
      const { cid: parent, depth } = level
      const at = level.taken++
      const cid = level.links[at]
      if (at + 1 >= level.links.length && level.next.left === 0) this.#drop(level)
      if (cid != null) return { cid, depth, parent, name: level.names?.[at] ?? '' }
      level.taken = at
      if (level.next.left > 0) return undefined
    }
    return undefined
  }

  /** Links that come after what was taken, as far as they are decoded. */
  upcoming (count: number): CID[] {
    const level = this.#levels.at(-1)
    return level == null ? [] : level.links.slice(level.taken, level.taken + count)
  }

  /** Brings the next links, so that `take` has one unless all are through. Rejects with INVALID_DATA, or as `read` and `onLinks` do. */
  async load (): Promise<void> {
    let level = this.#levels.at(-1)
    if (level == null) await this.#mutex.run(async () => this.#unpack())
    level = this.#levels.at(-1)
    if (level == null) return
    this.#loading = level
    try {
      const { links, taken } = await this.#decode(level)
      if (links.length > taken) await this.#deps.onLinks?.(links.slice(taken))
      level.links = links
      level.taken = taken
      this.#count(level)
    } finally {
      this.#loading = undefined
    }
  }

  /** As `load`, where nothing has to be waited for: true when it did its work. */
  loadNow (): boolean {
    const level = this.#levels.at(-1)
    if (level?.bytes == null || level.skip > 0 || this.#deps.onLinks != null) return false
    level.links = this.#read(level, level.bytes)
    level.taken = 0
    this.#count(level)
    return level.links.length > 0 || level.next.left === 0
  }

  /** True when `room` has something to do. */
  isFull (): boolean { return this.#costBytes > this.#memoryBytes() }

  /** Resolves when there is room in memory again. Await after pushes. */
  async room (): Promise<void> {
    if (!this.isFull()) return
    await this.#mutex.run(async () => {
      while (this.isFull() && this.#levels.length > 1 && this.#levels[0] !== this.#loading) this.#pack()
      await this.#deps.stack.room()
    })
  }

  async close (): Promise<void> { await this.#mutex.run(async () => this.#deps.stack.close()) }

  /** The next links of the level that weren't taken before it went to the stack, behind those that were. */
  async #decode (level: Level): Promise<{ links: CID[], taken: number }> {
    level.bytes ??= owned(readable({ cid: level.cid, bytes: await this.#deps.read(level.cid) }))
    this.#count(level)
    for (;;) {
      const links = this.#read(level, level.bytes)
      const taken = Math.min(level.skip, links.length)
      level.skip -= taken
      if (links.length > taken || level.next.left === 0) return { links, taken }
      await yieldToEventLoop()
    }
  }

  #read (level: Level, bytes: Uint8Array): CID[] {
    level.from = { ...level.next }
    level.names = this.#withNames ? [] : undefined
    return readLinks({ cid: level.cid, bytes }, level.next, limit, level.names)
  }

  #add (level: Pick<Level, 'cid' | 'depth' | 'bytes' | 'from' | 'next' | 'skip'>, where: 'next' | 'last' = 'next'): void {
    const added: Level = { ...level, links: [], names: undefined, taken: 0, costBytes: 0 }
    if (where === 'next') this.#levels.push(added)
    else this.#levels.unshift(added)
    this.#count(added)
  }

  #count (level: Level): void {
    // bytes whose links are all decoded are of no use any more
    if (level.next.left === 0) level.bytes = undefined
    const costBytes = levelBytes + (level.bytes?.length ?? 0) + level.links.length * linkBytes
    this.#costBytes += costBytes - level.costBytes
    level.costBytes = costBytes
  }

  #drop (level: Level): void {
    this.#levels.pop()
    this.#costBytes -= level.costBytes
  }

  /** The level whose turn comes last goes to the stack. */
  #pack (): void {
    const level = this.#levels.shift()
    if (level == null) return
    this.#costBytes -= level.costBytes
    const isBegun = level.taken < level.links.length
    const { at, left } = isBegun ? level.from : level.next
    const record = Buffer.alloc(recordHead + level.cid.bytes.length)
    record.writeInt32LE(level.depth, 0)
    record.writeUInt32LE(at, 4)
    record.writeUInt32LE(left, 8)
    record.writeUInt32LE(isBegun ? level.taken : level.skip, 12)
    record.set(level.cid.bytes, recordHead)
    this.#deps.stack.push(record)
  }

  async #unpack (): Promise<void> {
    const record = await this.#deps.stack.pop()
    if (record == null) return
    const view = Buffer.from(record.buffer, record.byteOffset, record.length)
    const position = { at: view.readUInt32LE(4), left: view.readUInt32LE(8) }
    const cid = CID.decode(record.subarray(recordHead))
    this.#add(
      { cid, depth: view.readInt32LE(0), bytes: undefined, from: position, next: { ...position }, skip: view.readUInt32LE(12) }, 'last'
    )
  }

  /** The stack does one thing at a time. */}

/** Bytes that keep no larger buffer in memory. */
function owned (bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length + 1024 ? Uint8Array.prototype.slice.call(bytes) : bytes
}

/** A block that a walk had before and that isn't to be had any more. */
export const lostBlock = (cid: CID): ClusterError =>
  new ClusterError('BLOCK_MISSING', { cid: cid.toString() }, { message: `block ${cid.toString()} is not here any more` })
