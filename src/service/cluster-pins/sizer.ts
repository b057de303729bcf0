import type { Clock } from '../../base/clock.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import type { Quota } from '../quota/quota.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { SizeListener } from './cluster-pins.ts'

export interface SizerDeps {
  database: SqlDatabase
  quota: Pick<Quota, 'settle'>
  /** Bytes of a whole DAG that the cluster has pinned. */
  sizeOf: (cid: CID, options: { signal: AbortSignal }) => Promise<number>
  listeners: readonly SizeListener[]
  /** Told after the transaction: what has no room was let go. */
  settled: () => void
  clock: Clock
  log: Logger
}

/** All are looked through this often; between that, only what was told. */
const scanEveryMs = 600_000
const batchSize = 64
const mostTold = 200_000
/** What couldn't be measured is left alone for so long. */
const restMs = 600_000
const mostResting = 10_000

/** Measures what is pinned and held by somebody who doesn't know how large it is, one DAG after the other. */
export class Sizer implements Worker {
  readonly name = 'service sizes'
  readonly #deps: SizerDeps
  readonly #told = new Set<string>()
  readonly #resting = new Map<string, number>()
  #scannedAt = -Infinity

  constructor (deps: SizerDeps) { this.#deps = deps }

  intervalMs (): number { return scanEveryMs }

  /** These have just been pinned. */
  tell (cids: readonly string[]): void {
    for (const cid of cids) if (this.#told.size < mostTold) this.#told.add(cid)
  }

  async work (signal: AbortSignal): Promise<'busy' | 'idle'> {
    await yieldToEventLoop()
    const told = [...this.#told].slice(0, batchSize)
    if (told.length === 0 && this.#deps.clock.elapsed() - this.#scannedAt < scanEveryMs) return 'idle'
    const cids = told.length > 0 ? await this.#unsizedOf(told) : await this.#scan()
    await this.#note(await this.#measured(cids, signal))
    for (const cid of told) this.#told.delete(cid)
    return 'busy'
  }

  async #unsizedOf (cids: readonly string[]): Promise<string[]> {
    const rows = await this.#deps.database.db.selectFrom('holdings').select('cid').distinct().where('cid', 'in', cids).where(
      'size_bytes', 'is', null
    ).execute()
    return rows.map(({ cid }) => cid)
  }

  /** Those of all, a batch at a time; the last one is shorter. */
  async #scan (): Promise<string[]> {
    const { database, clock } = this.#deps
    const now = clock.elapsed()
    for (const [cid, until] of this.#resting) if (until <= now) this.#resting.delete(cid)
    const rows = await database.db.selectFrom('holdings').innerJoin(
      'cluster_pins', 'cluster_pins.cid', 'holdings.cid'
    ).select('holdings.cid').distinct()
      .where('holdings.size_bytes', 'is', null).where('cluster_pins.status', '=', 'pinned')
      .limit(batchSize + this.#resting.size).execute()
    const cids = rows.map(({ cid }) => cid).filter(cid => !this.#resting.has(cid)).slice(0, batchSize)
    if (cids.length < batchSize) this.#scannedAt = now
    return cids
  }

  async #measured (cids: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
    const { sizeOf, clock, log } = this.#deps
    const sizes = new Map<string, number>()
    for (const cid of cids) {
      try {
        sizes.set(cid, await sizeOf(parseCid(cid), { signal }))
      } catch (err) {
        signal.throwIfAborted()
        log.debug('the size of a pin is not known yet', { cid, err })
        if (this.#resting.size < mostResting) this.#resting.set(cid, clock.elapsed() + restMs)
      }
    }
    return sizes
  }

  async #note (sizes: ReadonlyMap<string, number>): Promise<void> {
    const { database, quota, listeners, settled } = this.#deps
    if (sizes.size === 0) return
    await database.transaction(async tx => {
      for (const [cid, bytes] of sizes) {
        await tx.updateTable('cluster_pins').set({ size_bytes: bytes }).where('cid', '=', cid).execute()
        const over = await quota.settle(tx, cid, bytes)
        for (const listener of listeners) await listener(tx, cid, bytes, over)
      }
    })
    settled()
  }
}
