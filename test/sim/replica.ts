import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { Listeners } from '../../src/base/listeners.ts'
import type { Consensus, PinsetChange } from '../../src/consensus/consensus.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import { pinText } from '../../src/model/pin-json.ts'
import { keyOf } from '../../src/tracker/stateless/operation-table.ts'
import { storedPin } from '../support/cluster/memory-consensus.ts'
import type { Dice } from './dice.ts'

/** What a peer wrote. Of two changes of an item that with the greater `order` wins, as by priority in a CRDT's DAG. */
interface Change { author: PeerId, order: number, cid: CID, pin: Pin | undefined }

/** What stands for an item. Without an author: it was there from the beginning. */
type Value = Pick<Change, 'author' | 'order' | 'pin'>

/** A change that was merged and isn't synced yet, with what stood there before. */
interface Merged { change: Change, before: Value | undefined, at: number }

const pinsInBatch = 1000

/**
 * A peer's copy of the pinset on its disk, without blocks: it has a beginning of each author's changes and merges more of them from other
 * copies. A power cut takes back what was merged and not synced.
 */
export class Replica {
  readonly #self: PeerId
  readonly #values: Map<string, Value>
  /** Changes by author, in the order in which they were made. */
  readonly #logs = new Map<PeerId, Change[]>()
  readonly #unsynced: Merged[] = []
  #order = 0
  #size: number

  constructor (self: PeerId, pins: readonly Pin[]) {
    this.#self = self
    this.#values = new Map(pins.map(pin => [keyOf(pin.cid), { author: '', order: 0, pin }]))
    this.#size = pins.length
  }

  get size (): number { return this.#size }
  get (cid: CID): Pin | undefined { return this.#values.get(keyOf(cid))?.pin }

  * pins (): Generator<Pin[]> {
    const pins = Array.from(this.#values.values(), ({ pin }) => pin).filter(pin => pin != null)
    for (let from = 0; from < pins.length; from += pinsInBatch) yield pins.slice(from, from + pinsInBatch)
  }

  /** Writes and syncs, and with it all that was merged before. */
  write (cid: CID, pin: Pin | undefined): PinsetChange {
    const change = { author: this.#self, order: this.#order + 1, cid, pin }
    this.#apply(change)
    this.sync()
    return { cid, pin }
  }

  sync (): void { this.#unsynced.length = 0 }

  /** Up to `most` changes of each author that the other copy has more of; gives those that are seen. */
  merge (other: Replica, most: number): PinsetChange[] {
    const seen: PinsetChange[] = []
    for (const [author, theirs] of other.#logs) {
      const known = this.#logs.get(author)?.length ?? 0
      for (const change of theirs.slice(known, known + most)) if (this.#apply(change)) seen.push(change)
    }
    return seen
  }

  lacks (other: Replica): boolean {
    return [...other.#logs].some(([author, theirs]) => theirs.length > (this.#logs.get(author)?.length ?? 0))
  }

  /** The power goes; the first `keep` of what wasn't synced had been written. */
  crash (keep: number): void {
    for (const { change, before, at } of this.#unsynced.splice(keep).toReversed()) {
      const key = keyOf(change.cid)
      this.#count(this.#values.get(key)?.pin, before?.pin)
      if (before == null) this.#values.delete(key)
      else this.#values.set(key, before)
      this.#logOf(change.author).length = at
    }
    // what it forgot it doesn't write above
    this.#order = [...this.#logs.values()].reduce((most, log) => Math.max(most, log.at(-1)?.order ?? 0), 0)
    this.sync()
  }

  /** Whether it is what stands there now. */
  #apply (change: Change): boolean {
    const key = keyOf(change.cid)
    const before = this.#values.get(key)
    const log = this.#logOf(change.author)
    this.#unsynced.push({ change, before, at: log.length })
    log.push(change)
    this.#order = Math.max(this.#order, change.order)
    if (before != null && (before.order > change.order || (before.order === change.order && before.author > change.author))) return false
    this.#count(before?.pin, change.pin)
    this.#values.set(key, change)
    return true
  }

  #count (before: Pin | undefined, after: Pin | undefined): void { this.#size += Number(after != null) - Number(before != null) }

  #logOf (author: PeerId): Change[] {
    const log = this.#logs.get(author) ?? []
    this.#logs.set(author, log)
    return log
  }
}

export interface ReplicaConsensusDeps {
  replica: Replica
  clock: Clock
  dice: Dice
  /** Whether the disk takes nothing now. */
  isFull: () => boolean
  /** Whether peers that are heard have more. */
  isBehind: () => boolean
}

/** How long a write takes at most; most take no time at all. Milliseconds. */
const writeMs = 200
const slowWrites = 0.1

/** The pinset as one run of a peer has it. `emit` tells what was merged. */
export function replicaConsensus (
  { replica, clock, dice, isFull, isBehind }: ReplicaConsensusDeps
): Consensus & { emit: (changes: readonly PinsetChange[]) => void } {
  const listeners = new Listeners<readonly PinsetChange[]>()
  const writing = new Map<string, Promise<unknown>>()
  const settled = async (cid: CID): Promise<void> => {
    for (let last = writing.get(keyOf(cid)); last != null; last = writing.get(keyOf(cid))) await last.catch(() => {})
  }
  const waitForDisk = async (): Promise<void> => { if (dice.chance(slowWrites)) await clock.sleep(dice.between(0, writeMs)) }
  const write = async (cid: CID, pin: Pin | undefined, isStill: () => boolean): Promise<boolean> => {
    await waitForDisk()
    if (isFull()) throw new ClusterError('STORAGE_FULL')
    if (!isStill()) return false
    listeners.emit([replica.write(cid, pin == null ? undefined : storedPin(pin))])
    return true
  }
  const begun = async (cid: CID, pin: Pin | undefined, isStill: () => boolean): Promise<boolean> => {
    const key = keyOf(cid)
    const done = write(cid, pin, isStill)
    writing.set(key, done)
    return done.finally(() => writing.delete(key))
  }
  const ifIs = async (expected: Pin, pin: Pin | undefined): Promise<boolean> => {
    const isStill = (): boolean => isSame(replica.get(expected.cid), expected)
    return !writing.has(keyOf(expected.cid)) && isStill() && await begun(expected.cid, pin, isStill)
  }
  const always = async (cid: CID, pin: Pin | undefined): Promise<void> => {
    await settled(cid)
    await begun(cid, pin, () => true)
  }
  return {
    name: 'consensus',
    start: async () => {},
    drain: async () => {},
    stop: async () => {},
    state: {
      get: cid => replica.get(cid),
      has: cid => replica.get(cid) != null,
      wasUnpinned: async () => false,
      pins: async function * () { yield * replica.pins() },
      jsonLines: async function * () {
        for (const batch of replica.pins()) yield Buffer.from(batch.map(pin => `${pinText(pin)}\n`).join(''))
      },
      lines: async function * () { for (const batch of replica.pins()) yield batch.map(pin => `${pinText(pin)}\n`) },
      size: () => replica.size
    },
    put: async pin => always(pin.cid, pin),
    remove: async cid => { if (replica.get(cid) != null) await always(cid, undefined) },
    replaceIf: async (expected, pin) => ifIs(expected, pin),
    removeIf: async expected => ifIs(expected, undefined),
    whenWritten: settled,
    durable: async () => {
      await waitForDisk()
      if (isFull()) throw new ClusterError('STORAGE_FULL')
      replica.sync()
    },
    whyReadOnly: async () => isFull() ? 'the disk is full' : '',
    onChange: listener => listeners.add(listener),
    trusts: () => true,
    progress: () => ({ heads: [], height: 0, dirty: false, behind: isBehind() }),
    emit: changes => listeners.emit(changes)
  }
}

const isSame = (one: Pin | undefined, other: Pin): boolean => one === other || isDeepStrictEqual(one, other)
