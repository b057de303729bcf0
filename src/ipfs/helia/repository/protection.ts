import { rm } from 'node:fs/promises'
import type { CID } from 'multiformats/cid'
import { mapKey } from '../../../blockstore/map-key.ts'
import type { Random } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Startable } from '../../../base/lifecycle.ts'
import type { Logger } from '../../../base/log.ts'
import { Mutex } from '../../../base/mutex.ts'
import { blockSet } from '../walk/block-set.ts'
import type { BlockSet, Guard, Protection } from './repository.ts'

export interface BlockProtectionInit {
  /** For what long operations protect beyond `guardMemoryBytes`. Nothing in it outlives the process. */
  folder: string
  /** Memory for one running operation. Default 4 MiB: 150,000 blocks. */
  guardMemoryBytes?: number
}

export interface BlockProtectionDeps { random: Random, log: Logger }

/** A running collection, as the collector sees it. */
export interface Collection {
  /** True for blocks that are marked or protected, or were protected at any time since this collection began. */
  keeps (multihash: Uint8Array): boolean
  /** Says which blocks are being deleted, in the same tick in which `keeps` said no; call the result when they are gone. */
  deleting (multihashes: readonly Uint8Array[]): () => void
  end (): void
}

/** Running operations and the running collection, kept apart. `start` clears what a killed process left in the folder. */
export class BlockProtection implements Protection, Startable {
  readonly name = 'protection'
  readonly #init: BlockProtectionInit
  readonly #deps: BlockProtectionDeps
  readonly #guards = new Set<RunningGuard>()
  #numbers = 0
  #collection: RunningCollection | undefined
  readonly #mutex = new Mutex()

  constructor (init: BlockProtectionInit, deps: BlockProtectionDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (): Promise<void> { await rm(this.#init.folder, { recursive: true, force: true }) }
  async stop (): Promise<void> {}

  /** Operations that run. */
  get size (): number { return this.#guards.size }
  get isCollecting (): boolean { return this.#collection != null }

  guard (): Guard {
    const guard = new RunningGuard({
      newSet: () => this.#newSet(),
      collection: () => this.#collection,
      released: () => this.#released(guard)
    })
    this.#guards.add(guard)
    return guard
  }

  /** Begins a collection when the last one has ended. From here on all that is protected goes into `marks` too. */
  async collect (marks: BlockSet, signal?: AbortSignal): Promise<Collection> {
    const release = await this.#mutex.acquire()
    if (signal?.aborted === true) {
      release()
      throw signal.reason
    }
    const collection = new RunningCollection(marks, { guards: new Set(this.#guards), ended: () => this.#ended(collection, release) })
    this.#collection = collection
    return collection
  }

  #newSet (): BlockSet {
    const { folder, guardMemoryBytes = 4 * 1024 * 1024 } = this.#init
    return new FewBlocks(
      () => blockSet({ folder: `${folder}/${this.#numbers++}`, memoryBytes: guardMemoryBytes }, { random: this.#deps.random })
    )
  }

  #released (guard: RunningGuard): void {
    this.#guards.delete(guard)
    if (this.#collection?.guards.has(guard) !== true) this.#dispose(guard)
  }

  #ended (collection: RunningCollection, next: () => void): void {
    this.#collection = undefined
    for (const guard of collection.guards) {
      if (!this.#guards.has(guard)) this.#dispose(guard)
    }
    next()
  }

  #dispose (guard: RunningGuard): void {
    guard.blocks.close().catch(err => this.#deps.log.warn('temporary files of a finished operation could not be removed', { err }))
  }
}

/** Above so many a guard's blocks go into a table. */
const few = 8

/** A set that is a list while it is small: most guards are of one block, and a table would cost more than the rest of such a pin. */
class FewBlocks implements BlockSet {
  readonly #make: () => BlockSet
  #list: Uint8Array[] = []
  #table: BlockSet | undefined

  constructor (make: () => BlockSet) { this.#make = make }

  add (multihash: Uint8Array): boolean {
    if (this.#table != null) return this.#table.add(multihash)
    if (this.has(multihash)) return false
    this.#list.push(multihash)
    if (this.#list.length <= few) return true
    this.#table = this.#make()
    for (const one of this.#list) this.#table.add(one)
    this.#list = []
    return true
  }

  has (multihash: Uint8Array): boolean {
    return this.#table?.has(multihash) ?? this.#list.some(one => Buffer.compare(one, multihash) === 0)
  }

  async room (): Promise<void> { await this.#table?.room() }
  async close (): Promise<void> { await this.#table?.close() }
}

interface GuardOwner { newSet: () => BlockSet, collection: () => RunningCollection | undefined, released: () => void }

class RunningGuard implements Guard {
  readonly blocks: BlockSet
  readonly #owner: GuardOwner
  #isReleased = false

  constructor (owner: GuardOwner) {
    this.blocks = owner.newSet()
    this.#owner = owner
  }

  async protect (cids: readonly CID[]): Promise<void> {
    if (this.#isReleased) throw new ClusterError('NOT_READY', {}, { message: 'the guard was released' })
    const collection = this.#owner.collection()
    const multihashes = cids.map(cid => cid.multihash.bytes)
    for (const multihash of multihashes) this.blocks.add(multihash)
    await collection?.protect(multihashes)
    await this.blocks.room()
  }

  release (): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#owner.released()
  }
}

class RunningCollection implements Collection {
  /** Those that ran when the collection began: what they had protected until then is only in their own sets. */
  readonly guards: ReadonlySet<RunningGuard>
  readonly #marks: BlockSet
  readonly #ended: () => void
  #deleting: { keys: Set<string>, done: Promise<void> } | undefined

  constructor (marks: BlockSet, { guards, ended }: { guards: ReadonlySet<RunningGuard>, ended: () => void }) {
    this.#marks = marks
    this.guards = guards
    this.#ended = ended
  }

  keeps (multihash: Uint8Array): boolean {
    if (this.#marks.has(multihash)) return true
    for (const guard of this.guards) {
      if (guard.blocks.has(multihash)) return true
    }
    return false
  }

  deleting (multihashes: readonly Uint8Array[]): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#deleting = { keys: new Set(multihashes.map(mapKey)), done: promise }
    return () => {
      this.#deleting = undefined
      resolve()
    }
  }

  async protect (multihashes: readonly Uint8Array[]): Promise<void> {
    for (const multihash of multihashes) this.#marks.add(multihash)
    const deleting = this.#deleting
    if (deleting != null && multihashes.some(multihash => deleting.keys.has(mapKey(multihash)))) await deleting.done
    await this.#marks.room()
  }

  end (): void { this.#ended() }
}
