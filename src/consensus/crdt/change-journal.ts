import { isSameVersion } from './value-record.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { PinsetChange } from '../consensus.ts'
import type { CrdtStore } from './crdt-store.ts'
import type { LiveVersion } from './layout.ts'
import { combined, keysOf } from './delta-builder.ts'
import type { LocalChange } from './delta-builder.ts'
import type { OwnBlocks } from './own-blocks.ts'
import type { Overlay, ValueRecord, Version } from './value-record.ts'

/** Go's `batching`: both first values above 0 turn it on. Otherwise every change goes into the next block, which is written at once. */
export interface BatchingInit {
  /** Keys per block. */
  maxBatchSize: number
  /** How long the first change of a block may wait. Milliseconds. */
  maxBatchAgeMs: number
  /** Changes that may wait, journal included; more are refused with QUEUE_FULL. */
  maxQueueSize: number
}

export interface ChangeJournalDeps {
  store: CrdtStore
  blocks: OwnBlocks
  clock: Clock
  log: Logger
  changed (changes: PinsetChange[]): void
  /** The journal is to be flushed in the next tick. */
  due (): void
}

/** A change that the journal takes; `expected` when it is made for a certain pin only. */
type JournaledChange = Overlay & { expected?: Uint8Array }

/**
 * What batching keeps back: changes that are on the disk, and valid here, but not in a block yet. They go into blocks by number or
 * age. Without batching it holds only what an earlier run with batching left behind. All but `arm` and `flushSoon` are called under the
 * mutex.
 */
export class ChangeJournal {
  readonly #init: BatchingInit
  readonly #deps: ChangeJournalDeps
  readonly #conditions = new Conditions()
  #cancelAge: (() => void) | undefined
  #isDue = false

  constructor (init: BatchingInit, deps: ChangeJournalDeps) {
    this.#init = init
    this.#deps = deps
  }

  get isBatching (): boolean { return this.#init.maxBatchSize > 0 && this.#init.maxBatchAgeMs > 0 }
  get isDue (): boolean { return this.#isDue }
  get size (): number { return this.#deps.store.journaled.size }

  /** Syncs the changes to the disk. */
  async add (group: ReadonlyMap<string, JournaledChange>): Promise<void> {
    const { store, changed } = this.#deps
    await this.#settleLeft()
    const overlays = new Map<string, Overlay | undefined>()
    const records = new Map<string, ValueRecord>()
    for (const [key, change] of group) {
      const overlay = await this.#overlay(key, change)
      if (overlay != null || store.journaled.has(key)) overlays.set(key, overlay)
      if (overlay != null && change.expected != null) records.set(key, store.record(key))
    }
    const conditional = new Set([...records].filter(([key, { overlay }]) => this.#conditions.isForMerged(key, overlay)).map(([key]) => key))
    if (overlays.size > 0) changed(await store.journal(overlays, conditional))
    this.#conditions.drop([...overlays.keys()].filter(key => !records.has(key)))
    for (const [key, record] of records) this.#conditions.add(key, record)
  }

  /** What the journal says of a key after this change; nothing when there is nothing to remove. */
  async #overlay (key: string, change: Overlay): Promise<Overlay | undefined> {
    const known = this.#deps.store.record(key).overlay
    const { remove, put } = known == null ? change : combined(known, change)
    const removes = remove && (await this.#deps.blocks.liveIds(key)).length > 0
    return removes || put != null ? { remove: removes, put } : undefined
  }

  /** Makes the blocks whose time has come. What can't be written stays for the next time. */
  async flushDue (): Promise<void> {
    try {
      if (this.#isDue || !this.isBatching) await this.#flushWhile(() => this.size > 0)
      else await this.#flushWhile(() => this.size >= this.#init.maxBatchSize)
    } catch (err) {
      this.#deps.log.error('a batch could not be written; it stays in the journal', { err, waiting: this.size })
    }
    this.#isDue = false
  }

  /** Makes blocks of everything. */
  async flushAll (): Promise<void> { await this.#flushWhile(() => this.size > 0) }

  /** The same when the peer stops: what can't be written is there at the next start. */
  async flushLast (): Promise<void> {
    this.#cancelAge?.()
    try {
      await this.flushAll()
    } catch (err) {
      this.#deps.log.warn('the journal could not be written as a block; it waits for the next start', { err })
    }
  }

  async #flushWhile (condition: () => boolean): Promise<void> {
    while (condition()) await this.#flush()
    if (this.size > 0) return
    this.#cancelAge?.()
    this.#cancelAge = undefined
  }

  /** Makes one block of the oldest changes; those that were made for a certain pin give way to what others have made of it since. */
  async #flush (): Promise<void> {
    const { store, blocks, changed } = this.#deps
    await this.#settleLeft()
    const limit = this.isBatching ? this.#init.maxBatchSize : Infinity
    const overtaken = this.#conditions.overtaken(firstOf(store.journaled, limit), key => store.record(key))
    if (overtaken.size > 0) changed(await store.journal(overtaken))
    this.#conditions.drop(overtaken.keys())
    const built = await blocks.build(journaledChanges(store, limit))
    if (built.elements.length === 0 && built.tombstones.length === 0) await store.journal(new Map(built.done.map(key => [key, undefined])))
    else await blocks.write(built, built.done)
    this.#conditions.drop(keysOf(built))
  }

  /** Changes of an earlier run that were made for versions which others have changed since give way to what they made of them. */
  async #settleLeft (): Promise<void> {
    const { store, changed } = this.#deps
    if (store.conditions.size === 0) return
    const overtaken = new Map<string, undefined>()
    for (const [key, under] of store.conditions) if (!isSame(under, await store.liveVersions(key))) overtaken.set(key, undefined)
    if (overtaken.size > 0) changed(await store.journal(overtaken))
  }

  /** Lets the oldest change wait no longer than it may. */
  arm (): void {
    if (!this.isBatching || this.#cancelAge != null || this.size === 0) return
    this.#cancelAge = this.#deps.clock.after(this.#init.maxBatchAgeMs, () => {
      this.#cancelAge = undefined
      this.flushSoon()
    })
  }

  flushSoon (): void {
    this.#isDue = true
    this.#deps.due()
  }
}

const isSame = (under: readonly LiveVersion[], live: readonly LiveVersion[]): boolean =>
  under.length === live.length && under.every(({ id }) => live.some(version => version.id === id))

function * firstOf (keys: Iterable<string>, limit: number): Generator<string> {
  let count = 0
  for (const key of keys) {
    if (++count > limit) return
    yield key
  }
}

function * journaledChanges (store: CrdtStore, limit: number): Generator<LocalChange> {
  for (const key of firstOf(store.journaled, limit)) {
    const { overlay } = store.record(key)
    yield { key, remove: overlay?.remove ?? false, put: overlay?.put }
  }
}

/** What was there when a conditional change went into the journal: the merged value, and what the journal said before. */
interface Condition { version: Version | undefined, before: Overlay | undefined }

/**
 * Remembers which changes in the journal were made for a certain pin, so that they don't undo what is merged until they get their block.
 * The journal itself tells a later run of those that were made for what is merged; what was made for another change in it gets its block
 * then in any case, as that one does.
 */
class Conditions {
  readonly #conditions = new Map<string, Condition>()

  /** A conditional change of this key goes into the journal; `record` is from before. One that others follow keeps its condition. */
  add (key: string, { version, overlay: before }: ValueRecord): void {
    if (!this.#conditions.has(key)) this.#conditions.set(key, { version, before })
  }

  /** Whether a conditional change of this key is made for what is merged; `before`: what the journal says of it so far. */
  isForMerged (key: string, before: Overlay | undefined): boolean {
    const known = this.#conditions.get(key)
    return (known == null ? before : known.before) == null
  }

  /** What the journal says of these keys now holds in any case, or has its block. */
  drop (keys: Iterable<string>): void { for (const key of keys) this.#conditions.delete(key) }

  /** What the journal has to say instead of changes whose items have been changed by others since. */
  overtaken (keys: Iterable<string>, record: (key: string) => ValueRecord): Map<string, Overlay | undefined> {
    const overlays = new Map<string, Overlay | undefined>()
    for (const key of keys) {
      const condition = this.#conditions.get(key)
      if (condition != null && !isSameVersion(condition.version, record(key).version)) overlays.set(key, condition.before)
    }
    return overlays
  }
}
