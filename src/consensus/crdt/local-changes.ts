import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { gathered } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { elementBytes } from '../../wire/delta.ts'
import { asStored, encodePin } from '../../wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../wire/pin-key.ts'
import { ChangeJournal } from './change-journal.ts'
import type { BatchingInit } from './change-journal.ts'
import { combined, keysOf, maxDeltaBytes, maxPinBytes } from './delta-builder.ts'
import type { LocalChange } from './delta-builder.ts'
import { OwnBlocks } from './own-blocks.ts'
import type { OwnBlocksDeps } from './own-blocks.ts'
import type { Mutex } from '../../base/mutex.ts'
import { readablePin } from './value-changes.ts'
import { visibleValue } from './value-record.ts'
import type { Overlay } from './value-record.ts'

export interface LocalChangesDeps extends OwnBlocksDeps {
  mutex: Mutex
  clock: Clock
  log: Logger
}

interface Change extends Overlay {
  /** What `put` says, where that is known. */
  pin: Pin | undefined
  /** The pin that it is made for, encoded: with another one it isn't made. */
  expected?: Uint8Array
}

interface Pending extends Change { waiters: Array<{ resolve: (isDone: boolean) => void, reject: (err: unknown) => void }> }

/**
 * The changes that this peer makes. All that arrive while a commit runs go into the next one, so that they share its block and its sync; an
 * idle peer commits at once. With batching, changes are synced to a journal first and cut into blocks by number or age.
 */
export class LocalChanges {
  readonly #init: BatchingInit
  readonly #deps: LocalChangesDeps
  #pending = new Map<string, Pending>()
  /** The changes that are being committed. */
  #inHand: ReadonlyMap<string, Pending> = new Map()
  readonly #blocks: OwnBlocks
  readonly #journal: ChangeJournal
  #running: Promise<void> | undefined
  #open = false

  constructor (init: BatchingInit, deps: LocalChangesDeps) {
    this.#init = init
    this.#deps = deps
    this.#blocks = new OwnBlocks(deps)
    this.#journal = new ChangeJournal(init, { ...deps, blocks: this.#blocks, due: () => this.#kick() })
  }

  /**
   * Opens for changes; what the journal holds from an earlier run gets its block at once, unless it was made for what has been changed by
   * others since.
   */
  start (): void {
    this.#open = true
    if (this.#journal.size > 0) this.#journal.flushSoon()
  }

  /** Takes no more changes, finishes the waiting ones and cuts the journal. */
  async stop (): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#running
    await this.#deps.mutex.run(() => this.#journal.flushLast())
  }

  async put (pin: Pin): Promise<void> {
    await this.#add(pinKey(pin.cid), { remove: false, ...putOf(pin) })
  }

  /** Resolves with false when the item isn't `expected` any more, or is being changed. */
  async replaceIf (expected: Pin, pin: Pin): Promise<boolean> {
    return this.#addExpecting(pinKey(pin.cid), { remove: false, ...putOf(pin), expected: encodePin(expected) })
  }

  async remove (cid: CID): Promise<void> { await this.#add(pinKey(cid), { remove: true, put: undefined, pin: undefined }) }

  /** Resolves with false when the item isn't `expected` any more, or is being changed. */
  async removeIf (expected: Pin): Promise<boolean> {
    return this.#addExpecting(pinKey(expected.cid), { remove: true, put: undefined, pin: undefined, expected: encodePin(expected) })
  }

  /** Resolves when no change of this item waits or is being committed. */
  async whenWritten (cid: CID): Promise<void> {
    const key = pinKey(cid)
    for (let change = this.#underWay(key); change != null; change = this.#underWay(key)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      change.waiters.push({ resolve: () => resolve(), reject: () => resolve() })
      await promise
    }
  }

  /** Whether the last write failed; who sees one succeed says so. */
  hasFailed = false

  #underWay (key: string): Pending | undefined { return this.#pending.get(key) ?? this.#inHand.get(key) }

  async #addExpecting (key: string, change: Change): Promise<boolean> { return this.#pending.has(key) ? false : this.#add(key, change) }

  #add (key: string, change: Change): Promise<boolean> {
    if (!this.#open) throw new ClusterError('NOT_READY', { component: 'consensus' })
    const known = this.#notOvertaken(key)
    if (known == null && this.#waiting() >= this.#init.maxQueueSize) throw new ClusterError('QUEUE_FULL', { waiting: this.#waiting() })
    return new Promise((resolve, reject) => {
      const waiters = known?.waiters ?? []
      waiters.push({ resolve, reject })
      this.#pending.set(key, known == null ? { ...change, waiters } : { ...combined(known, change), pin: change.pin, waiters })
      this.#kick()
    })
  }

  /**
   * What waits for this key and the next change is to be combined with. One that was made for a certain pin gives way: that pin won't be
   * there.
   */
  #notOvertaken (key: string): Pending | undefined {
    const known = this.#pending.get(key)
    if (known?.expected == null) return known
    this.#pending.delete(key)
    for (const { resolve } of known.waiters) resolve(false)
    return undefined
  }

  #waiting (): number { return this.#pending.size + this.#journal.size }

  #kick (): void { this.#running ??= this.#run() }

  async #run (): Promise<void> {
    while (this.#pending.size > 0 || this.#journal.isDue) {
      // all that comes together goes into one group, and so does what callers do as soon as their last change is done
      await gathered(() => this.#pending.size)
      await this.#deps.mutex.run(() => this.#step())
    }
    this.#running = undefined
  }

  async #step (): Promise<void> {
    const group = this.#take()
    this.#inHand = group
    try {
      if (this.#journal.isBatching) await this.#keep(group)
      else await this.#commit(group)
      this.hasFailed = false
    } catch (err) {
      this.hasFailed = true
      for (const [key, { waiters }] of group) {
        group.delete(key)
        for (const { reject } of waiters) reject(err)
      }
    }
    await this.#journal.flushDue()
    if (this.#open) this.#journal.arm()
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

  #isOutdated (key: string, { expected }: Change): boolean {
    if (expected == null) return false
    const [cid, value] = [cidOfPinKey(key), visibleValue(this.#deps.store.record(key))]
    const pin = cid == null || value == null ? undefined : readablePin(value, cid)
    return pin == null || Buffer.compare(encodePin(pin), expected) !== 0
  }

  async #commit (group: Map<string, Pending>): Promise<void> {
    if (group.size === 0) return
    // what an earlier run with batching left behind is older
    await this.#journal.flushAll()
    const built = await this.#blocks.build(changesOf(group))
    await this.#blocks.write(built, [])
    for (const key of built.done) resolveOf(group, key)
    const begun = keysOf(built)
    for (const [key, { expected, ...left }] of group) this.#putBack(key, expected == null || begun.has(key) ? left : { ...left, expected })
    group.clear()
  }

  /** A change that had to wait for the next delta stays in front of newer ones; once begun it asks no more what it is made for. */
  #putBack (key: string, left: Pending): void {
    const newer = this.#pending.get(key)
    this.#pending.delete(key)
    const change = newer == null ? left : { ...combined(left, newer), pin: newer.pin, waiters: [...left.waiters, ...newer.waiters] }
    this.#pending = new Map([[key, change], ...this.#pending])
  }

  async #keep (group: Map<string, Pending>): Promise<void> {
    await this.#journal.add(group)
    for (const key of group.keys()) resolveOf(group, key)
  }
}

function putOf (pin: Pin): Pick<Change, 'put' | 'pin'> {
  const put = encodePin(pin)
  if (put.length > maxPinBytes) throw new ClusterError('PIN_TOO_LARGE', { bytes: put.length, allowed: maxPinBytes })
  return { put, pin: asStored(pin) }
}

/** The change is done: those who wait for it hear so. */
function resolveOf (group: Map<string, Pending>, key: string): void {
  const waiters = group.get(key)?.waiters ?? []
  group.delete(key)
  for (const { resolve } of waiters) resolve(true)
}

function * changesOf (group: ReadonlyMap<string, Change>): Generator<LocalChange> {
  for (const [key, { remove, put, pin }] of group) yield { key, remove, put, pin }
}
