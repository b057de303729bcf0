import { sql } from 'kysely'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { SharedRun } from '../../base/shared-run.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { Usage, UsageDay } from './usage.ts'

export interface UsageDeps { database: SqlDatabase, clock: Clock, log: Logger, workers: Workers }

/** `Usage` in tables of the service. */
export function sqlUsage (deps: UsageDeps): Usage {
  return new SqlUsage(deps)
}

interface Counts { user: string, day: string, served: number, requests: number }
interface Views { user: string, cid: string, day: string, views: number, lastAt: number }

/** Between two groups of counts that are written; the first of a quiet time is written at once. */
const gapMs = 250
/** While the database is away nothing can be written; above this many the newest are left out. */
const maxGathered = 100_000
const writtenAtOnce = 1000
const storedEveryMs = 900_000
const storedAtOnce = 500

class SqlUsage implements Usage {
  readonly name = 'service-usage'
  readonly #deps: UsageDeps
  readonly #counts = new Map<string, Counts>()
  readonly #views = new Map<string, Views>()
  /** How many views of whom aren't written yet. */
  readonly #unwritten = new Map<string, number>()
  #handles: WorkerHandle[] = []
  #isScheduled = false
  #writtenAt = Number.NEGATIVE_INFINITY
  readonly #writes = new SharedRun(async () => this.#write())
  #storedAfter = ''

  constructor (deps: UsageDeps) { this.#deps = deps }

  async start (): Promise<void> {
    const { workers } = this.#deps
    this.#handles = [
      workers.add({ name: 'service-usage', runAtStart: false, intervalMs: () => 60_000, work: async () => this.#work() }),
      // not at the start: what was stored before is noted, and each count that is written notes it again
      workers.add({
        name: 'service-usage-stored', runAtStart: false, jitter: 0.2, intervalMs: () => storedEveryMs, work: async () => this.#noteStored()
      })
    ]
  }

  async stop (): Promise<void> {
    await Promise.all(this.#handles.map(handle => handle.stop()))
    await this.flush().catch(err => this.#deps.log.warn('the last counts of usage could not be written', { err }))
  }

  request (user: string): void { this.#count(user, 0, 1) }
  served (user: string, bytes: number): void { this.#count(user, bytes, 0) }

  viewed (user: string, cid: string): void {
    const now = this.#deps.database.now()
    const day = dayOf(now)
    const key = `${user} ${cid} ${day}`
    const known = this.#views.get(key)
    if (known == null && this.#views.size >= maxGathered) return
    this.#views.set(key, { user, cid, day, views: (known?.views ?? 0) + 1, lastAt: now })
    this.#unwritten.set(user, (this.#unwritten.get(user) ?? 0) + 1)
    this.#schedule()
  }

  async flush (): Promise<void> { await this.#writes.run() }

  async flushViews (user: string): Promise<void> { if (this.#unwritten.has(user)) await this.flush() }

  async days (user: string, count: number): Promise<UsageDay[]> {
    const { db } = this.#deps.database
    const days = lastDays(this.#deps.database.now(), count)
    const first = days[0] ?? ''
    const [rows, views, before, now] = await Promise.all([
      db.selectFrom('usage_days').selectAll().where('user_id', '=', user).where('day', '>=', first).execute(),
      db.selectFrom('views').select(
        ['day', sql<number>`sum(views)`.as('views')]
      ).where('user_id', '=', user).where('day', '>=', first).groupBy('day').execute(),
      db.selectFrom('usage_days').select('bytes_stored').where('user_id', '=', user).where('day', '<', first).orderBy('day', 'desc')
        .limit(1).executeTakeFirst(),
      db.selectFrom('users').select('used_bytes').where('id', '=', user).executeTakeFirst()
    ])
    const rowOf = new Map(rows.map(row => [row.day, row]))
    const viewsOf = new Map(views.map(row => [row.day, row.views]))
    let stored = before?.bytes_stored ?? 0
    return days.map((day, at) => {
      const row = rowOf.get(day)
      stored = at === days.length - 1 ? now?.used_bytes ?? 0 : row?.bytes_stored ?? stored
      return { day, bytesStored: stored, bytesServed: row?.bytes_served ?? 0, requests: row?.requests ?? 0, views: viewsOf.get(day) ?? 0 }
    })
  }

  #count (user: string, served: number, requests: number): void {
    const day = dayOf(this.#deps.database.now())
    const key = `${user} ${day}`
    const known = this.#counts.get(key)
    if (known == null && this.#counts.size >= maxGathered) return
    this.#counts.set(key, { user, day, served: (known?.served ?? 0) + served, requests: (known?.requests ?? 0) + requests })
    this.#schedule()
  }

  #schedule (): void {
    const [worker] = this.#handles
    if (this.#isScheduled || worker == null) return
    this.#isScheduled = true
    this.#deps.clock.after(Math.max(0, this.#writtenAt + gapMs - this.#deps.clock.elapsed()), () => worker.wake())
  }

  async #work (): Promise<'busy' | 'idle'> {
    await this.flush()
    return this.#counts.size + this.#views.size > 0 ? 'busy' : 'idle'
  }

  async #write (): Promise<void> {
    this.#isScheduled = false
    // what comes meanwhile is the next group's: on a busy peer there would be no end
    for (let isFull = this.#counts.size + this.#views.size > 0; isFull;) {
      const counts = taken(this.#counts)
      const views = taken(this.#views)
      isFull = counts.length === writtenAtOnce || views.length === writtenAtOnce
      try {
        await this.#deps.database.transaction(async tx => {
          for (const one of counts) await writeCounts(tx, one)
          for (const one of views) await writeViews(tx, one)
        }, { isDurable: false })
        for (const { user, views: count } of views) this.#written(user, count)
      } catch (err) {
        this.#putBack(counts, views)
        throw err
      } finally {
        this.#writtenAt = this.#deps.clock.elapsed()
      }
    }
  }

  #written (user: string, views: number): void {
    const left = (this.#unwritten.get(user) ?? 0) - views
    if (left > 0) this.#unwritten.set(user, left)
    else this.#unwritten.delete(user)
  }

  #putBack (counts: Counts[], views: Views[]): void {
    for (const { user, day, served, requests } of counts) {
      const later = this.#counts.get(`${user} ${day}`)
      this.#counts.set(`${user} ${day}`, { user, day, served: served + (later?.served ?? 0), requests: requests + (later?.requests ?? 0) })
    }
    for (const one of views) {
      const key = `${one.user} ${one.cid} ${one.day}`
      const later = this.#views.get(key)
      this.#views.set(key, { ...one, views: one.views + (later?.views ?? 0), lastAt: later?.lastAt ?? one.lastAt })
    }
  }

  /** What users store today, for those whose figure has changed; a few hundred users at a time. */
  async #noteStored (): Promise<'busy' | 'idle'> {
    const { database } = this.#deps
    const { db } = database
    const users = await db.selectFrom('users').select(['id', 'used_bytes', eb =>
      eb.selectFrom('usage_days').select('bytes_stored').whereRef('usage_days.user_id', '=', 'users.id')
      .orderBy('day', 'desc').limit(1).as('noted')]).where('id', '>', this.#storedAfter).orderBy('id').limit(storedAtOnce).execute()
    const changed = users.filter(({ used_bytes: used, noted }) => used !== (noted ?? 0))
    if (changed.length > 0) {
      await database.transaction(async tx => {
        const day = dayOf(database.now())
        for (const { id } of changed) await writeCounts(tx, { user: id, day, served: 0, requests: 0 })
      })
    }
    this.#storedAfter = users.length === storedAtOnce ? users.at(-1)!.id : ''
    return this.#storedAfter === '' ? 'idle' : 'busy'
  }
}

function taken<T> (map: Map<string, T>): T[] {
  const entries = [...map.entries().take(writtenAtOnce)]
  for (const [key] of entries) map.delete(key)
  return entries.map(([, value]) => value)
}

/** A user that is gone counts nothing. */
async function writeCounts (tx: Sql, { user, day, served, requests }: Counts): Promise<void> {
  await sql`
    insert into usage_days (user_id, day, bytes_stored, bytes_served, requests)
    select id, cast(${day} as text), used_bytes, cast(${served} as bigint), cast(${requests} as bigint) from users where id = ${user}
    on conflict (user_id, day) do update set bytes_stored = excluded.bytes_stored,
      bytes_served = usage_days.bytes_served + excluded.bytes_served, requests = usage_days.requests + excluded.requests`.execute(tx)
}

async function writeViews (tx: Sql, { user, cid, day, views, lastAt }: Views): Promise<void> {
  await sql`
    insert into views (user_id, cid, day, views)
    select id, cast(${cid} as text), cast(${day} as text), cast(${views} as bigint) from users where id = ${user}
    on conflict (user_id, cid, day) do update set views = views.views + excluded.views`.execute(tx)
  await tx.updateTable('files')
    .set({
      view_count: sql<number>`view_count + ${views}`,
      last_accessed_at: sql<number>`case when last_accessed_at < ${lastAt} then ${lastAt} else last_accessed_at end`
    })
    .where('user_id', '=', user).where('cid', '=', cid).execute()
}

const dayMs = 86_400_000

/** YYYY-MM-DD of a time, in UTC. */
const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** The last `count` days, oldest first, that of `now` last. */
const lastDays = (now: number, count: number): string[] =>
  Array.from({ length: count }, (_one, at) => dayOf(now - (count - 1 - at) * dayMs))
