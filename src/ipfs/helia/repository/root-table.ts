import { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import { gathered } from '../../../base/event-loop.ts'
import { oneAhead } from '../../../base/read-ahead.ts'
import type { Datastore, Write } from '../../../datastore/datastore.ts'
import { damageOf, withPrefix } from '../../../datastore/datastore.ts'
import { cidText, parseCid } from '../../../model/cid.ts'
import type { IpfsPinStatus } from '../../ipfs.ts'
import type { Root, RootCursor, RootTable } from './repository.ts'

export interface RootTableInit {
  /** Keys are `<prefix>/<CID text>`; the count is at `<prefix>-count`. Default `/roots`. */
  prefix?: string
}

export interface RootTableDeps {
  datastore: Pick<Datastore, 'get' | 'getMany' | 'has' | 'write' | 'entries' | 'texts'>
  clock: Pick<Clock, 'now' | 'after'>
}

/** The roots in a datastore that belongs to the caller: started before, stopped after. */
export function rootTable (init: RootTableInit, deps: RootTableDeps): RootTable { return new DatastoreRoots(init, deps) }

interface Change { key: string, value: Uint8Array | undefined, resolve: (wasThere: boolean) => void, reject: (err: unknown) => void }

/** Rows of which it is remembered whether they are there. */
const mostKnown = 1024

/** `addSoon`: for how long rows wait for others, how many at most before they are written, and before who adds has to wait. */
const writtenBehindMs = 20
const retriedAfterMs = 1000
const fullBatch = 1024
const mostBehind = 4096

/** What a row says besides its key. */
interface Row { depth: number, since: number }

class DatastoreRoots implements RootTable {
  readonly name = 'roots'
  readonly #deps: RootTableDeps
  readonly #rows: string
  readonly #countKey: string
  #count: number | undefined
  /** Whether rows are there that were looked for or written last: who makes a root has looked before. Nobody else writes them. */
  readonly #known = new Map<string, boolean>()
  /** Rows that are there for who reads, and will be on the disk soon. Those that are being written are still among them. */
  readonly #behind = new Map<string, Uint8Array>()
  /** Keys of changes that wait or are being written. */
  readonly #changing = new Map<string, number>()
  #waiting: Change[] = []
  #writing: Promise<void> | undefined
  #isDue = false
  #cancelTimer: (() => void) | undefined
  #hasFailed = false

  constructor ({ prefix = '/roots' }: RootTableInit, deps: RootTableDeps) {
    this.#deps = deps
    this.#rows = `${prefix}/`
    this.#countKey = `${prefix}-count`
  }

  async start (): Promise<void> {
    const value = this.#deps.datastore.get(this.#countKey)
    this.#count = damageOf(this.#deps.datastore) == null ? Number(value == null ? 0 : textOf(value)) : await this.#recount()
  }

  /** After damage the table may have lost rows, and the counter may be an old one. */
  async #recount (): Promise<number> {
    let count = 0
    for await (const rows of this.#deps.datastore.entries(withPrefix(this.#rows))) count += rows.length
    await this.#deps.datastore.write([{ key: this.#countKey, value: bytesOf(String(count)) }])
    return count
  }

  async stop (): Promise<void> {
    if (this.#behind.size > 0) this.#flush()
    await this.#writing
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#behind.clear()
    this.#known.clear()
    this.#count = undefined
  }

  async add ({ cid, depth }: { cid: CID, depth: number }): Promise<void> { await this.#change(cid, this.#rowOf(depth)) }

  addSoon ({ cid, depth }: { cid: CID, depth: number }): Promise<void> | undefined {
    const key = this.#keyOf(cid)
    if (this.#hasFailed || this.#behind.size >= mostBehind || this.#changing.has(key)) return this.add({ cid, depth })
    const count = this.count()
    const row = this.#rowOf(depth)
    if (!this.#isThere(key)) this.#count = count + 1
    this.#behind.set(key, row)
    if (this.#behind.size === fullBatch) this.#flush()
    else this.#flushAfter(writtenBehindMs)
    return undefined
  }

  #rowOf (depth: number): Uint8Array {
    if (!Number.isInteger(depth) || depth < -1) {
      throw new ClusterError('INVALID_ARGUMENT', { depth }, { message: 'the depth of a pin is -1, 0 or more' })
    }
    const row: Row = { depth, since: this.#deps.clock.now() }
    return bytesOf(`{"depth":${row.depth},"since":${row.since}}`)
  }

  #isThere (key: string): boolean { return this.#behind.has(key) || (this.#known.get(key) ?? this.#deps.datastore.has(key)) }

  async remove (cid: CID): Promise<boolean> { return await this.#change(cid, undefined) }

  get (cid: CID): Root | undefined {
    this.count()
    const key = this.#keyOf(cid)
    const value = this.#behind.get(key) ?? this.#deps.datastore.get(key)
    if (value != null) return rootOf(cid, value)
    this.#know(key, false)
    return undefined
  }

  has (cid: CID): boolean {
    this.count()
    const key = this.#keyOf(cid)
    return this.#behind.has(key) || this.#deps.datastore.has(key)
  }

  mayHave (cid: CID): boolean {
    if (this.count() === 0 && this.#changing.size === 0) return false
    return this.#changing.has(this.#keyOf(cid)) || this.has(cid)
  }

  statusOf (cid: CID): IpfsPinStatus { return this.get(cid)?.mode ?? 'unpinned' }

  async statusesOf (cids: readonly CID[]): Promise<IpfsPinStatus[]> {
    this.count()
    const keys = cids.map(cid => this.#keyOf(cid))
    // before the look at the disk: what gets there meanwhile may be in neither
    const behind = this.#behind.size === 0 ? undefined : keys.map(key => this.#behind.get(key))
    const rows = await this.#deps.datastore.getMany(keys)
    return rows.map((onDisk, at) => {
      const row = behind?.[at] ?? onDisk
      return row == null ? 'unpinned' : modeOf(depthOf(row))
    })
  }

  cursor (): RootCursor {
    this.count()
    return new Cursor(this.#rows, this.#deps.datastore, new Map(this.#behind))
  }

  count (): number {
    if (this.#count == null) throw new ClusterError('NOT_READY', { component: this.name })
    return this.#count
  }

  async * list (options: { signal?: AbortSignal } = {}): AsyncGenerator<Root[]> {
    this.count()
    const behind = new Map(this.#behind)
    for await (const rows of this.#deps.datastore.entries(withPrefix(this.#rows), options)) {
      yield rows.map(([key, onDisk]) => {
        const value = behind.get(key) ?? onDisk
        behind.delete(key)
        return this.#rootOf(key, value)
      })
    }
    if (behind.size > 0) yield Array.from(behind, ([key, value]) => this.#rootOf(key, value))
  }

  #rootOf (key: string, value: Uint8Array): Root { return rootOf(parseCid(key.slice(this.#rows.length)), value) }

  #keyOf (cid: CID): string { return this.#rows + cidText(cid) }

  async #change (cid: CID, value: Uint8Array | undefined): Promise<boolean> {
    this.count()
    return await new Promise((resolve, reject) => {
      const key = this.#keyOf(cid)
      this.#waiting.push({ key, value, resolve, reject })
      this.#changing.set(key, (this.#changing.get(key) ?? 0) + 1)
      this.#writing ??= this.#writeAll()
    })
  }

  #flush (): void {
    this.#isDue = true
    this.#writing ??= this.#writeAll()
  }

  #flushAfter (ms: number): void {
    this.#cancelTimer ??= this.#deps.clock.after(ms, () => {
      this.#cancelTimer = undefined
      this.#flush()
    })
  }

  /** One write for all changes that have come since the last one began, or come together, and for all rows that wait behind. */
  async #writeAll (): Promise<void> {
    while (this.#waiting.length > 0 || this.#isDue) {
      if (this.#waiting.length > 0) await gathered(() => this.#waiting.length)
      this.#isDue = false
      const group = this.#waiting.splice(0)
      try {
        const wereThere = await this.#write(group)
        this.#hasFailed = false
        for (const [n, change] of group.entries()) change.resolve(wereThere[n] === true)
      } catch (err) {
        this.#hasFailed = true
        for (const { key } of group) this.#known.delete(key)
        for (const change of group) change.reject(err)
        if (this.#behind.size > 0) this.#flushAfter(retriedAfterMs)
      }
      for (const { key } of group) this.#changed(key)
    }
    this.#writing = undefined
  }

  #changed (key: string): void {
    const left = (this.#changing.get(key) ?? 0) - 1
    if (left > 0) this.#changing.set(key, left)
    else this.#changing.delete(key)
  }

  async #write (group: readonly Change[]): Promise<boolean[]> {
    const after = new Map<string, boolean>()
    const behind = [...this.#behind]
    const writes: Write[] = behind.map(([key, value]) => ({ key, value }))
    let growth = 0
    const wereThere = group.map(({ key, value }) => {
      const wasThere = after.get(key) ?? this.#isThere(key)
      after.set(key, value != null)
      growth += Number(value != null) - Number(wasThere)
      if (wasThere || value != null) writes.push({ key, value })
      return wasThere
    })
    if (writes.length > 0) {
      await this.#deps.datastore.write(
        [...writes, { key: this.#countKey, value: bytesOf(String(this.count() + growth)) }],
        { frees: group.some(({ value }) => value == null) }
      )
    }
    this.#count = this.count() + growth
    for (const [key, value] of behind) {
      // what came meanwhile is written next
      if (this.#behind.get(key) === value) this.#behind.delete(key)
      this.#know(key, true)
    }
    for (const [key, isThere] of after) this.#know(key, isThere)
    return wereThere
  }

  #know (key: string, isThere: boolean): void {
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.set(key, isThere)
  }
}

/** Both in the order of their texts: who is behind goes on. */
class Cursor implements RootCursor {
  readonly #prefix: string
  readonly #datastore: RootTableDeps['datastore']
  /** Rows that weren't on the disk yet when this was made, by key. */
  readonly #unwritten: ReadonlyMap<string, Uint8Array>
  #rows: AsyncIterator<Array<[key: string, value: string]>> | undefined
  #batch: ReadonlyArray<[key: string, value: string]> = []
  #at = 0
  #isAtEnd = false
  /** What was asked for last: the rows up to it are passed. */
  #last = ''

  constructor (prefix: string, datastore: RootTableDeps['datastore'], unwritten: ReadonlyMap<string, Uint8Array>) {
    this.#prefix = prefix
    this.#datastore = datastore
    this.#unwritten = unwritten
  }

  async statusesOf (cids: readonly string[]): Promise<IpfsPinStatus[]> {
    const statuses = cids.map((): IpfsPinStatus => 'unpinned')
    const others: number[] = []
    for (let n = 0; n < cids.length;) {
      n = this.#passed(cids, n, { statuses, others })
      if (n < cids.length) await this.#read(cids[n] ?? '')
    }
    if (others.length > 0) await this.#lookUp(others, cids, statuses)
    if (this.#unwritten.size > 0) this.#addUnwritten(cids, statuses)
    return statuses
  }

  async close (): Promise<void> {
    this.#isAtEnd = true
    await this.#rows?.return?.()
  }

  /** Goes on as far as rows have been read; gives the CID for which more are needed. */
  #passed (cids: readonly string[], from: number, { statuses, others }: { statuses: IpfsPinStatus[], others: number[] }): number {
    for (let n = from; n < cids.length; n++) {
      const cid = cids[n] ?? ''
      if (!cid.startsWith('b') || cid < this.#last) {
        others.push(n)
        continue
      }
      const row = this.#rowFrom(cid)
      if (row == null && !this.#isAtEnd) return n
      this.#last = cid
      if (row?.[0].length === this.#prefix.length + cid.length && row[0].endsWith(cid)) statuses[n] = modeOf(depthOfText(row[1]))
    }
    return cids.length
  }

  /** The first row that isn't before that CID's; undefined when it wasn't read yet. */
  #rowFrom (cid: string): [key: string, value: string] | undefined {
    for (; this.#at < this.#batch.length; this.#at++) {
      const row = this.#batch[this.#at]
      if (row != null && row[0].slice(this.#prefix.length) >= cid) return row
    }
    return undefined
  }

  async #read (first: string): Promise<void> {
    this.#rows ??= oneAhead(
      this.#datastore.texts({ from: this.#prefix + first, before: `${this.#prefix}c` })
    )[Symbol.asyncIterator]()
    const { done, value } = await this.#rows.next()
    this.#isAtEnd ||= done === true
    this.#batch = value ?? []
    this.#at = 0
  }

  #addUnwritten (cids: readonly string[], statuses: IpfsPinStatus[]): void {
    for (const [n, cid] of cids.entries()) {
      const row = this.#unwritten.get(this.#prefix + cid)
      if (row != null) statuses[n] = modeOf(depthOf(row))
    }
  }

  async #lookUp (places: readonly number[], cids: readonly string[], statuses: IpfsPinStatus[]): Promise<void> {
    const rows = await this.#datastore.getMany(places.map(place => this.#prefix + (cids[place] ?? '')))
    for (const [n, place] of places.entries()) {
      const row = rows[n]
      if (row != null) statuses[place] = modeOf(depthOf(row))
    }
  }
}

function rootOf (cid: CID, value: Uint8Array): Root {
  const { depth, since }: Row = JSON.parse(textOf(value))
  return { cid, mode: modeOf(depth), depth, since }
}

const modeOf = (depth: number): 'direct' | 'recursive' => depth === 0 ? 'direct' : 'recursive'

const recursiveStart = '{"depth":-1,'
const recursiveRow = Buffer.from(recursiveStart)

/** Nearly all rows are of recursive pins: told by their first bytes. */
function depthOf (value: Uint8Array): number {
  const isRecursive = value.length > recursiveRow.length && recursiveRow.compare(value, 0, recursiveRow.length) === 0
  return isRecursive ? -1 : (JSON.parse(textOf(value)) as Row).depth
}

const depthOfText = (text: string): number => text.startsWith(recursiveStart) ? -1 : (JSON.parse(text) as Row).depth

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
