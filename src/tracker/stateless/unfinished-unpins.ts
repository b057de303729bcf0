import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import type { Operation, OperationTable } from './operation-table.ts'
import { cidOfKey, keyOf } from './operation-table.ts'

/**
 * The table of unpins that this peer still owes its IPFS node. Rows: `unpin/1/<CID>` → JSON {kind, since, attempts, error}; the 1 is the
 * format's version. A row is written when an unpin is asked for (a clean-up of what others hold: when it failed, or at the stop) and goes
 * with its success or with a new pin, so that neither a crash nor a restart forgets it. Not synced: a power cut may lose the last ones.
 */
const prefix = 'unpin/1/'

interface Row { kind: 'unpin' | 'clean', since: number, attempts: number, error: string }

export interface UnfinishedUnpinsDeps { datastore: Datastore, table: OperationTable, log: Logger }

/** Unpins that have failed or wait, kept on the disk: the pinset forgets them. */
export class UnfinishedUnpins {
  readonly #deps: UnfinishedUnpinsDeps
  readonly #stored = new Set<string>()
  #dirty = new Set<string>()
  #writing: Promise<void> | undefined
  #open = false

  constructor (deps: UnfinishedUnpinsDeps) { this.#deps = deps }

  /** Reads the table; the rows come back as failed operations. */
  async load (signal: AbortSignal): Promise<void> {
    for await (const rows of this.#deps.datastore.entries(withPrefix(prefix), { signal })) {
      for (const [name, value] of rows) this.#restore(name, value)
    }
    this.#open = true
    this.#write()
  }

  /** To be called after each change of an operation of that key. */
  note (key: string): void {
    if (!this.#stored.has(key) && !isOwed(this.#deps.table.get(key))) return
    this.#dirty.add(key)
    this.#write()
  }

  /** Stores everything that is owed, clean-ups that still wait included, and ends. */
  async close (): Promise<void> {
    if (!this.#open) return
    for (const { key } of this.#deps.table.inStates(['clean_queued', 'cleaning'])) this.#dirty.add(key)
    this.#write()
    await this.#writing
    this.#open = false
  }

  #restore (name: string, value: Uint8Array): void {
    try {
      const key = keyOf(parseCid(name.slice(prefix.length)))
      const row = JSON.parse(Buffer.from(value).toString()) as Row
      const state = row.kind === 'clean' ? 'clean_error' : 'unpin_error'
      this.#deps.table.restore(key, { state, attempts: Number(row.attempts), since: Number(row.since), error: String(row.error) })
      this.#stored.add(key)
      this.#dirty.add(key)
    } catch (err) {
      this.#deps.log.warn('a row of the table of unfinished unpins is damaged and left alone', { row: name.slice(0, 200), err })
    }
  }

  #write (): void {
    if (!this.#open || this.#dirty.size === 0) return
    this.#writing ??= this.#writeAll()
  }

  async #writeAll (): Promise<void> {
    await undefined // all changes of this tick go into one batch
    while (this.#dirty.size > 0) await this.#writeOnce()
    this.#writing = undefined
  }

  async #writeOnce (): Promise<void> {
    const keys = this.#dirty
    this.#dirty = new Set()
    const batch = Array.from(keys, key => this.#rowOf(key)).filter(write => write != null)
    if (batch.length === 0) return
    try {
      await this.#deps.datastore.write(batch, { frees: true })
    } catch (err) {
      this.#failed(err, keys)
    }
  }

  #rowOf (key: string): Write | undefined {
    const operation = this.#deps.table.get(key)
    const name = `${prefix}${cidOfKey(key)}`
    if (operation != null && (isOwed(operation) || isCleaning(operation))) {
      this.#stored.add(key)
      return { key: name, value: Buffer.from(JSON.stringify(rowOf(operation))) }
    }
    return this.#stored.delete(key) ? { key: name, value: undefined } : undefined
  }

  /** What can't be stored is only lost by a restart: not worth a failing unpin. */
  #failed (err: unknown, keys: ReadonlySet<string>): void {
    for (const key of keys) this.#stored.add(key)
    this.#deps.log.warn('unfinished unpins could not be stored', { count: keys.size, err: messageOf(err) })
  }
}

const isCleaning = ({ state }: Operation): boolean => state === 'clean_queued' || state === 'cleaning'

const owedStates: ReadonlySet<string> = new Set(['unpin_queued', 'unpinning', 'unpin_error', 'clean_error'])

/** Refused ones stay away: a node that was told not to unpin keeps what it has. */
const isOwed = (operation: Operation | undefined): boolean => operation != null && owedStates.has(operation.state) && !operation.refused

const rowOf = ({ state, since, attempts, error }: Operation): Row => ({
  kind: state.startsWith('clean') ? 'clean' : 'unpin', since, attempts, error
})
