import { batchesOf } from '../../base/batches.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'

/** A table for rows until all peers have answered. `rank` orders the rows of one CID. */
export interface StatusRows {
  add (rank: number, rows: readonly PinInfo[]): Promise<void>
  /** All rows of each CID together, in batches. Once, after the last `add`. */
  groups (): AsyncIterable<PinInfo[][]>
  discard (): Promise<void>
}

/** A datastore for a moment: started and empty; `discard` closes and removes it. */
export interface TemporaryStore { store: Pick<Datastore, 'write' | 'entries'>, discard: () => Promise<void> }

export interface StatusRowsInit { rowsInMemory: number }

export interface StatusRowsDeps {
  /** Where rows go when there are more than memory should hold. Undefined: everything stays in memory. */
  temporaryStore: (() => Promise<TemporaryStore>) | undefined
}

interface RankedRow { rank: number, row: PinInfo }

const batchSize = 512
const writesAtATime = 2048

/** Holds rows in memory up to a number, then all of them in a temporary store, which sorts them by CID. */
export class SpillingStatusRows implements StatusRows {
  readonly #init: StatusRowsInit
  readonly #deps: StatusRowsDeps
  #memory = new Map<string, RankedRow[]>()
  #held = 0
  #spilled: TemporaryStore | undefined
  #spilling: Promise<void> = Promise.resolve()

  constructor (init: StatusRowsInit, deps: StatusRowsDeps) {
    this.#init = init
    this.#deps = deps
  }

  async add (rank: number, rows: readonly PinInfo[]): Promise<void> {
    for (const row of rows) {
      const key = row.cid.toString()
      const group = this.#memory.get(key)
      if (group == null) this.#memory.set(key, [{ rank, row }])
      else group.push({ rank, row })
    }
    this.#held += rows.length
    if (this.#held > this.#init.rowsInMemory && this.#deps.temporaryStore != null) {
      this.#spilling = this.#spilling.then(async () => this.#spill())
    }
    await this.#spilling
  }

  async * groups (): AsyncGenerator<PinInfo[][]> {
    if (this.#spilled == null) {
      yield * this.#groupsInMemory()
    } else {
      await this.#spill()
      yield * this.#groupsInStore(this.#spilled)
    }
  }

  async discard (): Promise<void> {
    await this.#spilling.catch(() => {})
    this.#memory.clear()
    await this.#spilled?.discard()
  }

  * #groupsInMemory (): Generator<PinInfo[][]> {
    for (const groups of batchesOf(this.#memory.values(), batchSize)) {
      yield groups.map(group => group.toSorted((a, b) => a.rank - b.rank).map(({ row }) => row))
    }
  }

  async * #groupsInStore ({ store }: TemporaryStore): AsyncGenerator<PinInfo[][]> {
    let batch: PinInfo[][] = []
    let group: PinInfo[] = []
    let current = ''
    for await (const entries of store.entries({ from: '0', before: '~' })) {
      for (const [key, value] of entries) {
        const cid = key.slice(0, key.indexOf('/'))
        if (cid !== current && group.length > 0) {
          batch.push(group)
          group = []
        }
        current = cid
        group.push(decodeRow(value))
      }
      if (batch.length >= batchSize) {
        yield batch
        batch = []
      }
    }
    if (group.length > 0) batch.push(group)
    if (batch.length > 0) yield batch
  }

  async #spill (): Promise<void> {
    const rows = this.#memory
    this.#memory = new Map()
    this.#held = 0
    this.#spilled ??= await this.#deps.temporaryStore?.()
    let writes: Write[] = []
    for (const [cid, group] of rows) {
      for (const { rank, row } of group) writes.push({ key: `${cid}/${String(rank).padStart(5, '0')}`, value: encodeRow(row) })
      if (writes.length < writesAtATime) continue
      await this.#spilled?.store.write(writes)
      writes = []
    }
    if (writes.length > 0) await this.#spilled?.store.write(writes)
  }
}

const encodeRow = (row: PinInfo): Uint8Array => Buffer.from(JSON.stringify({ ...row, cid: row.cid.toString() }))

function decodeRow (bytes: Uint8Array): PinInfo {
  const row = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as Omit<PinInfo, 'cid'> & { cid: string }
  return { ...row, cid: parseCid(row.cid) }
}
