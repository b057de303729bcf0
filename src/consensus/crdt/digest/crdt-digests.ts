import type { Datastore } from '../../../datastore/datastore.ts'
import type { CID, PeerId } from '../../../model/cid.ts'
import { blockKey } from '../../../wire/crdt-block.ts'
import { cidOfPinKey } from '../../../wire/pin-key.ts'
import type { PinsetChange } from '../../consensus.ts'
import type {
  Announcement, GroupQuestion, KeyDigest, KeyGroup, MergedAgain, PartsOptions, PinsetDigests, PinsetPoint
} from '../../pinset-digest.ts'
import type { CatchUp } from '../catch-up.ts'
import type { CrdtStore } from '../crdt-store.ts'
import * as layout from '../layout.ts'
import type { Mutex } from '../../../base/mutex.ts'
import { readableRecord } from '../value-record.ts'
import type { Announcements } from './announcements.ts'
import { cellOf } from './cells.ts'
import { DerivedVersions } from './derived-versions.ts'
import { addSum, pinsIn, sumWords } from './sums.ts'
import type { Words } from './sums.ts'

export interface CrdtDigestsDeps {
  datastore: Datastore
  store: CrdtStore
  mutex: Mutex
  catchUp: Pick<CatchUp, 'announced' | 'repairIfDirty' | 'retry'>
  announcements: Announcements
  changed (changes: PinsetChange[]): void
}

const noSignal = new AbortController().signal

/** The digest of this peer's pinset and of its parts. Cells are in memory; what lies below is read from the disk, a cell at a time. */
export class CrdtDigests implements PinsetDigests {
  readonly #deps: CrdtDigestsDeps

  constructor (deps: CrdtDigestsDeps) { this.#deps = deps }

  point (): PinsetPoint | undefined {
    const { heads, missing, dirty, digest } = this.#deps.store
    const total = digest.total()
    return total == null
      ? undefined
      : { ...total, heads: [...heads.values()].map(({ cid }) => cid), isComplete: !dirty && missing.size === 0 }
  }

  cidOf (key: string): CID | undefined { return cidOfPinKey(key) }
  isMerged (head: CID): boolean { return this.#deps.store.isHere(blockKey(head)) }
  announced (): ReadonlyMap<PeerId, Announcement> { return this.#deps.announcements.byPeer }
  fetch (heads: readonly CID[], from: PeerId): void { this.#deps.catchUp.announced(heads, from) }

  async mergeAgain (keys: readonly string[], { signal = noSignal }: PartsOptions = {}): Promise<MergedAgain> {
    const { store, mutex, catchUp, datastore, changed } = this.#deps
    await mutex.run(() => store.setDirty(true))
    const lostBlocks = await catchUp.repairIfDirty(signal)
    catchUp.retry()
    const derived = new DerivedVersions(keys.filter(key => cidOfPinKey(key) != null), { datastore, record: key => store.record(key) })
    await derived.read(signal)
    const repaired = await mutex.run(async () => {
      const { versions, records } = await derived.wrong()
      if (versions.size > 0) changed(await store.repairValues(versions, records))
      return [...versions.keys()]
    })
    return { lostBlocks, repaired }
  }

  async cells (): Promise<KeyGroup[]> {
    return this.#told([...this.#deps.store.digest.cells()].toSorted(([one], [other]) => one < other ? -1 : 1))
  }

  async groups (questions: readonly GroupQuestion[], options: PartsOptions = {}): Promise<KeyGroup[]> {
    const found: KeyGroup[] = []
    for (const { prefix, depth } of questions) {
      const groups = new Map<string, Words>()
      for await (const [key, one] of this.#pairs(prefix, options)) {
        const name = key.slice(0, depth)
        const sum = groups.get(name) ?? new Int32Array(sumWords)
        addSum(sum, one)
        groups.set(name, sum)
      }
      found.push(...this.#told(groups))
    }
    return found
  }

  async keys (prefixes: readonly string[], options: PartsOptions = {}): Promise<KeyDigest[]> {
    const found: KeyDigest[] = []
    for (const prefix of prefixes) {
      for await (const [key, sum] of this.#pairs(prefix, options)) found.push({ key, digest: this.#deps.store.digest.key.short(sum) })
    }
    return found
  }

  #told (sums: Iterable<[name: string, sum: Words]>): KeyGroup[] {
    const { key } = this.#deps.store.digest
    return Array.from(sums, ([prefix, sum]) => ({ prefix, pins: pinsIn(sum), digest: key.short(sum) }))
  }

  /** Pairs below a prefix; without those of cells that are named by more characters, and asked for by themselves. */
  async * #pairs (prefix: string, options: PartsOptions): AsyncGenerator<[key: string, sum: Words]> {
    const from = layout.valueRecord(prefix)
    for await (const rows of this.#deps.datastore.entries({ from, before: `${from}\x7f` }, options)) {
      for (const [record, bytes] of rows) {
        const key = layout.pinKeyOf(record)
        const value = readableRecord(bytes)?.version?.value
        if (value != null && cellOf(key).length <= prefix.length) yield [key, this.#deps.store.digest.key.sumOf(key, value)]
      }
    }
  }
}
