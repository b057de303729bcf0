import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { encodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import { elementBytes } from '../../wire/delta.ts'
import { encodePin } from '../../wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../wire/pin-key.ts'
import type { PinsetChange } from '../consensus.ts'
import type { CrdtStore } from './crdt-store.ts'
import { combined, cutDelta, maxDeltaBytes, maxPinBytes } from './cut.ts'
import type { Cut } from './cut.ts'
import { Conditions } from './conditions.ts'
import type { Turns } from './turns.ts'
import { readablePin } from './value-changes.ts'
import { visibleValue } from './value-record.ts'
import type { Overlay, ValueRecord } from './value-record.ts'

/** Go's `batching`: both first values above 0 turn it on. Otherwise every change goes into the next block, which is written at once. */
export interface BatchingInit {
  /** Keys per block. */
  maxBatchSize: number
  /** How long the first change of a block may wait. Milliseconds. */
  maxBatchAgeMs: number
  /** Changes that may wait, journal included; more are refused with QUEUE_FULL. */
  maxQueueSize: number
}

export interface LocalChangesDeps {
  store: CrdtStore
  turns: Turns
  clock: Clock
  log: Logger
  /** Called for each block that this peer made, once the disk has it. */
  committed (block: CrdtBlock): void
  changed (changes: PinsetChange[]): void
}

interface Change extends Overlay {
  /** The pin that it is made for, encoded: with another one it isn't made. */
  over?: Uint8Array
}

interface Pending extends Change { waiters: Array<{ resolve: (isDone: boolean) => void, reject: (err: unknown) => void }> }

/** How many promise steps lie between a resolved change and the caller's next one. */
const hops = 8

/**
 * The changes that this peer makes. All that arrive while a commit runs go into the next one, so that they share its block and its sync; an idle peer
 * commits at once. With batching, changes are synced to a journal first and cut into blocks by number or age.
 */
export class LocalChanges {
  readonly #init: BatchingInit
  readonly #deps: LocalChangesDeps
  #pending = new Map<string, Pending>()
  /** The changes that are being committed. */
  #inHand: ReadonlyMap<string, Pending> = new Map()
  readonly #conditions = new Conditions()
  #running: Promise<void> | undefined
  #open = false
  #cancelAge: (() => void) | undefined
  #isDue = false

  constructor (init: BatchingInit, deps: LocalChangesDeps) {
    this.#init = init
    this.#deps = deps
  }

  get #isBatching (): boolean { return this.#init.maxBatchSize > 0 && this.#init.maxBatchAgeMs > 0 }

  /** Opens for changes; what the journal holds from an earlier run gets its block at once, before others' changes come: what it was made for is forgotten. */
  start (): void {
    this.#open = true
    if (this.#deps.store.journaled.size > 0) this.#cutSoon()
  }

  /** Takes no more changes, finishes the waiting ones and cuts the journal. */
  async stop (): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#running
    this.#cancelAge?.()
    await this.#deps.turns.take(() => this.#cutAll())
  }

  async put (pin: Pin): Promise<void> {
    await this.#add(pinKey(pin.cid), { remove: false, put: valueOf(pin) })
  }

  /** Resolves with false when the item isn't `over` any more, or is being changed. */
  async replace (over: Pin, pin: Pin): Promise<boolean> {
    return this.#addOver(pinKey(pin.cid), { remove: false, put: valueOf(pin), over: encodePin(over) })
  }

  async remove (cid: CID): Promise<void> { await this.#add(pinKey(cid), { remove: true, put: undefined }) }

  /** Resolves with false when the item isn't `over` any more, or is being changed. */
  async discard (over: Pin): Promise<boolean> { return this.#addOver(pinKey(over.cid), { remove: true, put: undefined, over: encodePin(over) }) }

  /** Resolves when no change of this item waits or is being committed. */
  async settled (cid: CID): Promise<void> {
    const key = pinKey(cid)
    for (let change = this.#underWay(key); change != null; change = this.#underWay(key)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      change.waiters.push({ resolve: () => resolve(), reject: () => resolve() })
      await promise
    }
  }

  #underWay (key: string): Pending | undefined { return this.#pending.get(key) ?? this.#inHand.get(key) }

  async #addOver (key: string, change: Change): Promise<boolean> { return this.#pending.has(key) ? false : this.#add(key, change) }

  #add (key: string, change: Change): Promise<boolean> {
    if (!this.#open) throw new ClusterError('NOT_READY', { component: 'consensus' })
    const known = this.#notOvertaken(key)
    if (known == null && this.#waiting() >= this.#init.maxQueueSize) throw new ClusterError('QUEUE_FULL', { waiting: this.#waiting() })
    return new Promise((resolve, reject) => {
      const waiters = known?.waiters ?? []
      waiters.push({ resolve, reject })
      this.#pending.set(key, { ...(known == null ? change : combined(known, change)), waiters })
      this.#kick()
    })
  }

  /** What waits for this key and the next change is to be combined with. One that was made for a certain pin gives way: that pin won't be there. */
  #notOvertaken (key: string): Pending | undefined {
    const known = this.#pending.get(key)
    if (known?.over == null) return known
    this.#pending.delete(key)
    for (const { resolve } of known.waiters) resolve(false)
    return undefined
  }

  #waiting (): number { return this.#pending.size + this.#deps.store.journaled.size }

  #kick (): void { this.#running ??= this.#run() }

  async #run (): Promise<void> {
    while (this.#pending.size > 0 || this.#isDue) {
      // whoever makes one change after the other continues in a promise step after the last one resolved: let them all into this group
      for (let hop = 0; hop < hops; hop++) await undefined
      await this.#deps.turns.take(() => this.#step())
    }
    this.#running = undefined
  }

  async #step (): Promise<void> {
    const group = this.#take()
    this.#inHand = group
    try {
      if (this.#isBatching) await this.#journal(group)
      else await this.#commit(group)
    } catch (err) {
      for (const [key, { waiters }] of group) {
        group.delete(key)
        for (const { reject } of waiters) reject(err)
      }
    }
    await this.#cutDue()
  }

  /** Takes as many changes as one delta may hold. */
  #take (): Map<string, Pending> {
    const group = new Map<string, Pending>()
    let room = maxDeltaBytes
    for (const [key, change] of this.#pending) {
      if (this.#isOutdated(key, change)) {
        this.#pending.delete(key)
        for (const { resolve } of change.waiters) resolve(false)
        continue
      }
      room -= change.put == null ? 0 : elementBytes({ key, value: change.put })
      if (room < 0 && group.size > 0) break
      group.set(key, change)
      this.#pending.delete(key)
    }
    return group
  }

  #isOutdated (key: string, { over }: Change): boolean {
    if (over == null) return false
    const [cid, value] = [cidOfPinKey(key), visibleValue(this.#deps.store.record(key))]
    const pin = cid == null || value == null ? undefined : readablePin(value, cid)
    return pin == null || Buffer.compare(encodePin(pin), over) !== 0
  }

  async #commit (group: Map<string, Pending>): Promise<void> {
    if (group.size === 0) return
    // what an earlier run with batching left behind is older
    await this.#cutWhile(() => this.#deps.store.journaled.size > 0)
    const cut = await cutDelta(changesOf(group), key => this.#liveIds(key))
    await this.#write(cut, [])
    for (const key of cut.done) resolveOf(group, key)
    const begun = keysOf(cut)
    for (const [key, { over, ...left }] of group) this.#putBack(key, over == null || begun.has(key) ? left : { ...left, over })
    group.clear()
  }

  /** The block of a cut; none when nothing is to be said. */
  async #write ({ elements, tombstones }: Cut, settled: readonly string[]): Promise<void> {
    const { store, committed, changed } = this.#deps
    if (elements.length === 0 && tombstones.length === 0) return
    const heads = [...store.heads.values()].map(({ cid }) => cid)
    const block = encodeCrdtBlock({ elements, tombstones, priority: store.height() + 1 }, heads)
    const changes = await store.apply(block, { sync: true, settled })
    committed(block)
    changed(changes)
  }

  /** A change that had to wait for the next delta stays in front of newer ones; once begun it asks no more what it is made for. */
  #putBack (key: string, left: Pending): void {
    const newer = this.#pending.get(key)
    this.#pending.delete(key)
    const change = newer == null ? left : { ...combined(left, newer), waiters: [...left.waiters, ...newer.waiters] }
    this.#pending = new Map([[key, change], ...this.#pending])
  }

  async #journal (group: Map<string, Pending>): Promise<void> {
    if (group.size === 0) return
    const { store, changed } = this.#deps
    const overlays = new Map<string, Overlay | undefined>()
    const records = new Map<string, ValueRecord>()
    for (const [key, change] of group) {
      const overlay = await this.#overlay(key, change)
      if (overlay != null || store.journaled.has(key)) overlays.set(key, overlay)
      if (overlay != null && change.over != null) records.set(key, store.record(key))
    }
    if (overlays.size > 0) changed(await store.journal(overlays))
    this.#conditions.drop([...overlays.keys()].filter(key => !records.has(key)))
    for (const [key, record] of records) this.#conditions.add(key, record)
    for (const key of group.keys()) resolveOf(group, key)
  }

  /** What the journal says of a key after this change; nothing when there is nothing to remove. */
  async #overlay (key: string, change: Overlay): Promise<Overlay | undefined> {
    const known = this.#deps.store.record(key).overlay
    const { remove, put } = known == null ? change : combined(known, change)
    const removes = remove && (await this.#liveIds(key)).length > 0
    return removes || put != null ? { remove: removes, put } : undefined
  }

  async #cutDue (): Promise<void> {
    const { journaled } = this.#deps.store
    try {
      if (this.#isDue || !this.#isBatching) await this.#cutWhile(() => journaled.size > 0)
      else await this.#cutWhile(() => journaled.size >= this.#init.maxBatchSize)
    } catch (err) {
      this.#deps.log.error('a batch could not be written; it stays in the journal', { err, waiting: journaled.size })
    }
    this.#isDue = false
    if (this.#open && this.#isBatching) this.#armAge()
  }

  async #cutAll (): Promise<void> {
    try {
      await this.#cutWhile(() => this.#deps.store.journaled.size > 0)
    } catch (err) {
      this.#deps.log.warn('the journal could not be written as a block; it waits for the next start', { err })
    }
  }

  async #cutWhile (condition: () => boolean): Promise<void> {
    while (condition()) await this.#cutJournal()
    if (this.#deps.store.journaled.size > 0) return
    this.#cancelAge?.()
    this.#cancelAge = undefined
  }

  /** Makes one block of the oldest changes in the journal; those that were made for a certain pin give way to what others have made of it since. */
  async #cutJournal (): Promise<void> {
    const { store, changed } = this.#deps
    const limit = this.#isBatching ? this.#init.maxBatchSize : Infinity
    const overtaken = this.#conditions.overtaken(firstOf(store.journaled, limit), key => store.record(key))
    if (overtaken.size > 0) changed(await store.journal(overtaken))
    this.#conditions.drop(overtaken.keys())
    const cut = await cutDelta(journaledChanges(store, limit), key => this.#liveIds(key))
    if (cut.elements.length === 0 && cut.tombstones.length === 0) await store.journal(new Map(cut.done.map(key => [key, undefined])))
    else await this.#write(cut, cut.done)
    this.#conditions.drop(keysOf(cut))
  }

  #armAge (): void {
    if (this.#cancelAge != null || this.#deps.store.journaled.size === 0) return
    this.#cancelAge = this.#deps.clock.after(this.#init.maxBatchAgeMs, () => {
      this.#cancelAge = undefined
      this.#cutSoon()
    })
  }

  #cutSoon (): void {
    this.#isDue = true
    this.#kick()
  }

  async #liveIds (key: string): Promise<string[]> { return (await this.#deps.store.liveVersions(key)).map(({ id }) => id) }
}

function valueOf (pin: Pin): Uint8Array {
  const value = encodePin(pin)
  if (value.length > maxPinBytes) throw new ClusterError('PIN_TOO_LARGE', { bytes: value.length, allowed: maxPinBytes })
  return value
}

/** The change is done: those who wait for it hear so. */
function resolveOf (group: Map<string, Pending>, key: string): void {
  const waiters = group.get(key)?.waiters ?? []
  group.delete(key)
  for (const { resolve } of waiters) resolve(true)
}

function * changesOf (group: ReadonlyMap<string, Overlay>): Generator<{ key: string } & Overlay> {
  for (const [key, { remove, put }] of group) yield { key, remove, put }
}

/** The keys that a cut has something to say of, and those that are done. */
const keysOf = ({ elements, tombstones, done }: Cut): Set<string> => new Set([...elements, ...tombstones].map(({ key }) => key).concat(done))

function * firstOf (keys: Iterable<string>, limit: number): Generator<string> {
  let count = 0
  for (const key of keys) {
    if (++count > limit) return
    yield key
  }
}

function * journaledChanges (store: CrdtStore, limit: number): Generator<{ key: string } & Overlay> {
  for (const key of firstOf(store.journaled, limit)) {
    const { overlay } = store.record(key)
    yield { key, remove: overlay?.remove ?? false, put: overlay?.put }
  }
}
