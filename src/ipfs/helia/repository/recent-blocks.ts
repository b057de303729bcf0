import type { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'
import type { Datastore } from '../../../datastore/datastore.ts'
import { withPrefix } from '../../../datastore/datastore.ts'
import type { RecentBlocks } from './repository.ts'

export interface RecentBlocksInit {
  /** Default `/recent/`. Keys are `<prefix><time in ms, 15 digits>-<counter>`. */
  prefix?: string
  /** How long blocks stay recent. Default one hour. */
  keepMs?: number
}

export interface RecentBlocksDeps { datastore: Pick<Datastore, 'write' | 'entries' | 'keys'>, clock: Pick<Clock, 'now'> }

/** The recent blocks with what the collector needs of them. */
export interface RecentTable extends RecentBlocks {
  /** Forgets what is over, of earlier runs too. What a clock that was ahead has dated into the future counts as received now. */
  start (): Promise<void>
  /** Multihashes of the blocks noted within the last `keepMs`; forgets the older ones. */
  list (options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array[]>
}

/**
 * Each call is one record: the multihashes one after the other, each behind its length in two bytes. Old records go while new ones are
 * made.
 */
export function recentBlocks (init: RecentBlocksInit, deps: RecentBlocksDeps): RecentTable { return new DatastoreRecent(init, deps) }

class DatastoreRecent implements RecentTable {
  readonly #prefix: string
  readonly #keepMs: number
  readonly #deps: RecentBlocksDeps
  #forgotAt = -Infinity
  #counter = 0

  constructor ({ prefix = '/recent/', keepMs = 3_600_000 }: RecentBlocksInit, deps: RecentBlocksDeps) {
    this.#prefix = prefix
    this.#keepMs = keepMs
    this.#deps = deps
  }

  async start (): Promise<void> {
    await this.#forgetOld()
    const future = { from: this.#keyAt(this.#deps.clock.now() + 1), before: withPrefix(this.#prefix).before }
    for await (const rows of this.#deps.datastore.entries(future)) {
      await this.#deps.datastore.write(rows.flatMap(([key, value]) => [{ key, value: undefined }, { key: this.#nextKey(), value }]))
    }
  }

  async note (cids: readonly CID[]): Promise<void> {
    if (cids.length === 0) return
    const now = this.#deps.clock.now()
    await this.#deps.datastore.write([{ key: this.#nextKey(), value: joined(cids.map(cid => cid.multihash.bytes)) }])
    if (now - this.#forgotAt > this.#keepMs / 8) await this.#forgetOld()
  }

  async * list (options: { signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array[]> {
    await this.#forgetOld()
    for await (const rows of this.#deps.datastore.entries(withPrefix(this.#prefix), options)) {
      for (const [, value] of rows) yield split(value)
    }
  }

  async #forgetOld (): Promise<void> {
    const now = this.#deps.clock.now()
    this.#forgotAt = now
    const old = { from: this.#prefix, before: this.#keyAt(Math.max(0, now - this.#keepMs)) }
    for await (const keys of this.#deps.datastore.keys(old)) {
      await this.#deps.datastore.write(keys.map(key => ({ key, value: undefined })), { frees: true })
    }
  }

  /** Two runs of the program within a millisecond share no counter, but one process is gone before the next one starts. */
  #nextKey (): string { return `${this.#keyAt(this.#deps.clock.now())}-${String(this.#counter++).padStart(10, '0')}` }

  #keyAt (ms: number): string { return this.#prefix + String(Math.floor(ms)).padStart(15, '0') }
}

function joined (multihashes: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.allocUnsafe(multihashes.reduce((sum, multihash) => sum + 2 + multihash.length, 0))
  let at = 0
  for (const multihash of multihashes) {
    at = value.writeUInt16BE(multihash.length, at)
    value.set(multihash, at)
    at += multihash.length
  }
  return value
}

function split (value: Uint8Array): Uint8Array[] {
  const multihashes: Uint8Array[] = []
  for (let at = 0; at + 2 <= value.length;) {
    const length = value[at]! * 256 + value[at + 1]!
    multihashes.push(value.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return multihashes
}
