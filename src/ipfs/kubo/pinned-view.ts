import type { CID } from 'multiformats/cid'
import { batchesOf } from '../../base/batches.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { IpfsPinStatus, PinnedView } from '../ipfs.ts'

/** A row of `pin/ls`. */
export interface PinRow { Cid: string, Type: string }

/** A datastore for a moment: started and empty; `discard` closes and removes it. */
export interface TemporaryStore { store: Pick<Datastore, 'write' | 'get'>, discard: () => Promise<void> }

export interface PinTableInit {
  /** More roots than this go to a temporary store. */
  pinsInMemory: number
}

export interface PinTableDeps { temporaryStore: () => Promise<TemporaryStore> }

const recursive = Uint8Array.of(1)
const direct = Uint8Array.of(2)
const writesAtATime = 4096

/** The roots of one listing, by their CIDs as Kubo prints them. In memory up to a number, then in a store on the disk. */
export class PinTable implements PinnedView {
  readonly #init: PinTableInit
  readonly #deps: PinTableDeps
  readonly #memory = new Map<string, Uint8Array>()
  #spilled: TemporaryStore | undefined
  count = 0

  constructor (init: PinTableInit, deps: PinTableDeps) {
    this.#init = init
    this.#deps = deps
  }

  async add (rows: readonly PinRow[]): Promise<void> {
    for (const { Cid: cid, Type: type } of rows) {
      if (type === 'recursive') this.#memory.set(cid, recursive)
      else if (type === 'direct') this.#memory.set(cid, direct)
    }
    this.count += rows.length
    const limit = this.#spilled == null ? this.#init.pinsInMemory : writesAtATime
    if (this.#memory.size > limit) await this.#spill()
  }

  statusOf (cid: CID): IpfsPinStatus { return this.#statusOf(cid.toString()) }
  async statusesOfTexts (cids: readonly string[]): Promise<IpfsPinStatus[]> { return cids.map(cid => this.#statusOf(cid)) }

  #statusOf (key: string): IpfsPinStatus {
    const kind = (this.#memory.get(key) ?? this.#spilled?.store.get(key))?.[0]
    return kind == null ? 'unpinned' : kind === 1 ? 'recursive' : 'direct'
  }

  async close (): Promise<void> {
    this.#memory.clear()
    const spilled = this.#spilled
    this.#spilled = undefined
    await spilled?.discard()
  }

  async #spill (): Promise<void> {
    const { store } = this.#spilled ??= await this.#deps.temporaryStore()
    for (const rows of batchesOf(this.#memory, writesAtATime)) await store.write(rows.map(([key, value]) => ({ key, value })))
    this.#memory.clear()
  }
}
