import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { parseCid } from '../../model/cid.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import type { ClusterPinStatus, StatusesListener } from './cluster-pins.ts'
import type { NewStatus } from './rows.ts'
import { isSameStatus, nextDue, noteStatuses, ofMany, rowsOf, takeDue } from './rows.ts'
import { progressInfo, clusterStatusOf } from './cluster-status.ts'

export interface StatusFollowerDeps {
  cluster: Pick<ClusterApi, 'status' | 'statusAll' | 'progress'>
  database: SqlDatabase
  listeners: readonly StatusesListener[]
  clock: Clock
  log: Logger
  /** Told of what has another state now, as it is. */
  changed: (states: ReadonlyArray<{ cid: string, state: PinningStatus }>) => void
}

/** Pins that are asked for side by side, and how long the peers have for an answer. */
const batchSize = 64
const answerMs = 10_000
/** CIDs that somebody told of. What is left out is asked about by its time. */
const mostTold = 10_000
const leaseMs = 60_000
/** So many batches in a row, and one list of all statuses is cheaper. */
const batchesBeforeSweep = 16
/** The wait for the next look grows with the time that a pin takes already. */
const shareOfAge = 8
/** How soon after it came into the pinset a CID is first looked at. */
export const firstWaitMs = 25
const longestWaitMs = 120_000
const idleMs = 5000
/** All statuses are compared this often, unless that takes more than a twentieth of the time. */
const sweepEveryMs = 600_000
const shareOfTime = 20
/** Only pins that take longer than this are asked what they wait for. */
const patientMs = 3000

/** Rows that the peers are asked about, and which of them the pinset changed meanwhile: what the peers say may be of before. */
interface Look { cids: ReadonlySet<string>, changed: Set<string> }

/** Keeps the statuses in the rows as the cluster has them. */
export class StatusFollower implements Worker {
  readonly name = 'service statuses'
  readonly #deps: StatusFollowerDeps
  readonly #told = new Set<string>()
  readonly #looks = new Set<Look>()
  #waitMs = 0
  #batches = 0
  #sweptAt = -Infinity
  #sweepTookMs = 0

  constructor (deps: StatusFollowerDeps) { this.#deps = deps }

  intervalMs (): number { return this.#waitMs }

  /** Something happened to these: they are asked about at the next wake. */
  tell (cids: readonly string[]): void {
    for (const cid of cids) if (this.#told.size < mostTold) this.#told.add(cid)
  }

  /** The pinset changed these: answers that are on their way don't count as the last word. */
  heard (cids: readonly string[]): void {
    for (const { cids: asked, changed } of this.#looks) for (const cid of cids) if (asked.has(cid)) changed.add(cid)
  }

  async work (signal: AbortSignal): Promise<'busy' | 'idle'> {
    const { database, clock } = this.#deps
    this.#waitMs = idleMs
    const sweptAgo = clock.elapsed() - this.#sweptAt
    const isBacklog = this.#batches >= batchesBeforeSweep
    if (sweptAgo >= Math.max(isBacklog ? 0 : sweepEveryMs, shareOfTime * this.#sweepTookMs)) return this.#sweep(signal)
    await this.#askTold(signal)
    const due = await nextDue(database.db, 1)
    const now = database.now()
    if (due == null || due > now) {
      this.#batches = 0
      this.#waitMs = due == null ? idleMs : Math.min(idleMs, Math.max(firstWaitMs, due - now))
      return this.#told.size > 0 ? 'busy' : 'idle'
    }
    const rows = await database.transaction(async tx => takeDue(tx, { applied: 1, limit: batchSize, now: database.now(), leaseMs }), ofMany)
    this.#batches = rows.length < batchSize ? 0 : this.#batches + 1
    await this.#askDue(rows, signal)
    await yieldToEventLoop()
    return 'busy'
  }

  async #askTold (signal: AbortSignal): Promise<void> {
    const cids = [...this.#told.keys().take(batchSize)]
    for (const cid of cids) this.#told.delete(cid)
    const rows = cids.length === 0 ? [] : await rowsOf(this.#deps.database.db, cids)
    await this.#askDue(rows.filter(({ applied, want, status }) => applied === 1 && want === 'pin' && status !== 'pinned'), signal)
  }

  /** Asks the peers about these rows and notes what is new. */
  async ask (rows: readonly ClusterPinRow[], signal?: AbortSignal): Promise<void> {
    await this.#looking(rows, async changed => {
      const answers = await Promise.all(rows.map(async row => this.#statusOf(row, signal)))
      const news = rows.map((row, at) => ({ row, status: answers[at] })).filter(
        ({ row, status }) => status != null && !isSameStatus(row, status)
      )
      if (news.length > 0) await this.#note(new Map(news.map(({ row, status }) => [row.cid, status])), changed)
    })
  }

  /** The same for rows that were due; they are due again later, also those that nobody could tell of. */
  async #askDue (rows: readonly ClusterPinRow[], signal: AbortSignal): Promise<void> {
    if (rows.length === 0) return
    await this.#looking(rows, async changed => {
      const answers = await Promise.all(rows.map(async row => this.#statusOf(row, signal)))
      await this.#note(new Map(rows.map((row, at) => [row.cid, answers[at]])), changed)
    })
  }

  async #looking (rows: readonly ClusterPinRow[], work: (changed: ReadonlySet<string>) => Promise<void>): Promise<void> {
    const look: Look = { cids: new Set(rows.map(({ cid }) => cid)), changed: new Set() }
    this.#looks.add(look)
    try {
      await work(look.changed)
    } finally {
      this.#looks.delete(look)
    }
  }

  async #statusOf (row: ClusterPinRow, signal: AbortSignal | undefined): Promise<ClusterPinStatus | undefined> {
    const { cluster, clock, database, log } = this.#deps
    const late = deadline(clock, answerMs, () => new ClusterError('TIMEOUT', { cid: row.cid }), signal)
    try {
      const cid = parseCid(row.cid)
      const status = clusterStatusOf(await cluster.status(cid, { signal: late.signal }), row.status)
      if (status.state === 'pinned' || database.now() - row.changed_at < patientMs) return status
      return { ...status, info: { ...status.info, ...progressInfo(await cluster.progress(cid, { signal: late.signal })) } }
    } catch (err) {
      signal?.throwIfAborted()
      log.debug('the status of a pin is not known', { cid: row.cid, err })
      return undefined
    } finally {
      late.clear()
    }
  }

  /** All statuses, in the order in which the cluster lists them. */
  async #sweep (signal: AbortSignal): Promise<'busy' | 'idle'> {
    const { cluster, clock, database } = this.#deps
    const begunAt = clock.elapsed()
    this.#sweptAt = begunAt
    this.#batches = 0
    const some = await database.db.selectFrom('cluster_pins').select('cid').limit(1).executeTakeFirst()
    if (some != null) {
      for await (const infos of cluster.statusAll(0, { signal })) await this.#compare(infos)
      this.#sweptAt = clock.elapsed()
      this.#sweepTookMs = this.#sweptAt - begunAt
    }
    return 'busy'
  }

  async #compare (infos: readonly GlobalPinInfo[]): Promise<void> {
    const byCid = new Map(infos.map(info => [info.cid.toString(), info]))
    const rows = await rowsOf(this.#deps.database.db, [...byCid.keys()])
    const different = new Map<string, ClusterPinStatus>()
    for (const row of rows) {
      const info = byCid.get(row.cid)
      if (info == null || row.applied === 0 || row.want === 'unpin') continue
      const status = clusterStatusOf(info, row.status)
      // what a pin waits for is known better by whoever asked about it alone
      if (
        status.state !== row.status || status.replicas !== row.replicas || (
          status.state === 'pinned' && !isSameStatus(row, status)
        )
      ) different.set(row.cid, status)
    }
    if (different.size > 0) await this.#note(different, new Set())
  }

  async #note (statuses: ReadonlyMap<string, ClusterPinStatus | undefined>, changed: ReadonlySet<string>): Promise<void> {
    const { database, listeners } = this.#deps
    const states = await database.transaction(async tx => {
      const rows = (await rowsOf(tx, [...statuses.keys()])).filter(({ applied, want }) => applied === 1 && want === 'pin')
      const known = rows.map(row => ({ row, status: statuses.get(row.cid) })).filter((one): one is NewStatus => one.status != null)
      await noteStatuses(tx, known.filter(({ row, status }) => !isSameStatus(row, status)), listeners)
      const looks = Map.groupBy(
        rows, row => changed.has(row.cid) ? database.now() : nextLook(row, statuses.get(row.cid), database.now())
      )
      for (const [nextTryAt, alike] of looks) {
        await tx.updateTable('cluster_pins').set({ next_try_at: nextTryAt }).where('cid', 'in', alike.map(({ cid }) => cid)).execute()
      }
      return known.filter(({ row, status }) => status.state !== row.status).map(({ row, status }) => ({
        cid: row.cid, state: status.state
      }))
    }, ofMany)
    if (states.length > 0) this.#deps.changed(states)
  }
}

/** Null: nothing to look for but what the comparison of all finds. */
function nextLook (row: ClusterPinRow, status: ClusterPinStatus | undefined, now: number): number | null {
  const isWhole = status != null && status.state === 'pinned' && status.replicas === status.wanted
  if (isWhole) return null
  const waits = Math.ceil((now - row.changed_at) / shareOfAge / firstWaitMs)
  return now + Math.min(longestWaitMs, Math.max(1, waits) * firstWaitMs)
}
