import { sql } from 'kysely'
import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import { EventRing } from '../../events/event-ring.ts'
import type { EventBatch, EventData, FollowOptions } from '../../events/events.ts'
import { oldestPlace } from '../../events/events.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { EventRow } from '../sql/tables.ts'
import type { NewUserEvent, UserEvents } from './user-events.ts'

export interface UserEventsInit {
  /** Of each user. Default 1000. */
  keptEvents?: number
}

export interface UserEventsDeps { database: SqlDatabase, workers: Workers, clock: Clock, log: Logger }

/**
 * Told with the ids of users who have new events, a blank behind each; and, when they are few and small, behind a line break the events
 * themselves (JSON: user, number, time, type, data), so that who listens needn't read them.
 */
const channel = 'events'
const rowsInNotice = 8
const bytesInNotice = 3500
const usersInNotice = 100
const rowsAtOnce = 500
const defaultKept = 1000
const keptMs = 7 * 24 * 3_600_000
const sweepMs = 3_600_000
const sweptAtOnce = 1000
const readersOfUser = 64

/** `UserEvents` in the service's database: each user's last events, in an order that all peers agree on. */
export function userEvents (init: UserEventsInit, deps: UserEventsDeps): UserEvents { return new SqlUserEvents(init, deps) }

class SqlUserEvents implements UserEvents {
  readonly name = 'service events'
  readonly #kept: number
  readonly #deps: UserEventsDeps
  readonly #tails = new Map<string, Tail>()
  #unlisten = (): void => {}
  #sweeping: WorkerHandle | undefined

  constructor ({ keptEvents = defaultKept }: UserEventsInit, deps: UserEventsDeps) {
    this.#kept = keptEvents
    this.#deps = deps
  }

  async start (): Promise<void> {
    const { database, workers } = this.#deps
    this.#unlisten = database.listen(channel, users => this.#heard(users))
    this.#sweeping = workers.add({ name: 'service-events-sweep', jitter: 0.3, intervalMs: () => sweepMs, work: async () => this.#sweep() })
  }

  async drain (): Promise<void> { this.endReaders(null) }

  async stop (): Promise<void> {
    this.#unlisten()
    this.endReaders(null)
    await this.#sweeping?.stop()
  }

  async record (tx: Sql, events: readonly NewUserEvent[]): Promise<void> {
    const byUser = Map.groupBy(events, ({ user }) => user)
    const users = [...byUser.keys()].toSorted()
    const rows: EventRow[] = []
    for (const user of users) rows.push(...await this.#append(tx, user, byUser.get(user) ?? []))
    for (let at = 0; at < users.length; at += usersInNotice) {
      await this.#deps.database.notify(
        tx, channel, noticeOf(users.slice(at, at + usersInNotice), users.length <= usersInNotice ? rows : [])
      )
    }
  }

  async * follow (user: string, { after, signal }: FollowOptions): AsyncGenerator<EventBatch, void, undefined> {
    const tail = this.#tails.get(user) ?? new Tail(user, { maxEvents: 100, maxReaders: readersOfUser }, this.#deps)
    this.#tails.set(user, tail)
    const end = new AbortController()
    const stop = (): void => end.abort()
    signal.addEventListener('abort', stop, { once: true })
    tail.readers.add(stop)
    try {
      yield * tail.follow({ after, signal: end.signal })
    } finally {
      signal.removeEventListener('abort', stop)
      tail.readers.delete(stop)
      if (tail.readers.size === 0 && this.#tails.get(user) === tail) this.#tails.delete(user)
    }
  }

  endReaders (user: string | null): void {
    for (const [owner, { readers }] of this.#tails) if (user == null || user === owner) for (const end of readers) end()
  }

  async #append (tx: Sql, user: string, events: readonly NewUserEvent[]): Promise<EventRow[]> {
    const now = this.#deps.database.now()
    const { seq } = await tx.insertInto('event_heads').values({ user_id: user, seq: events.length })
      .onConflict(
        on => on.column('user_id').doUpdateSet({ seq: sql<number>`event_heads.seq + ${events.length}` })
      ).returning('seq').executeTakeFirstOrThrow()
    const rows = events.map(({ type, data }, at) => ({
      user_id: user, seq: seq - events.length + 1 + at, at: now, type, data: JSON.stringify(data)
    }))
    // what is left of many
    const kept = rows.slice(-this.#kept)
    for (const some of batchesOf(kept, rowsAtOnce)) await tx.insertInto('events').values(some).execute()
    // not with each: a hundred more or less are no matter
    if (Math.floor(seq / 100) !== Math.floor((seq - events.length) / 100)) {
      await tx.deleteFrom('events').where('user_id', '=', user).where('seq', '<=', seq - this.#kept).execute()
    }
    return rows
  }

  #heard (text: string | null): void {
    if (text == null) {
      for (const tail of this.#tails.values()) tail.refresh()
      return
    }
    const [users = '', rows] = text.split('\n')
    const told = users.split(' ').flatMap(user => this.#tails.get(user) ?? [])
    if (told.length === 0) return
    const news = rowsOf(rows)
    for (const tail of told) tail.refresh(news)
  }

  async #sweep (): Promise<'busy' | 'idle'> {
    const { database } = this.#deps
    const old = database.now() - keptMs
    const rows = await database.db.selectFrom('events').select(['user_id', 'seq']).where('at', '<', old).limit(sweptAtOnce).execute()
    if (rows.length === 0) return 'idle'
    await database.transaction(async tx => {
      for (const [user, own] of Map.groupBy(rows, row => row.user_id)) {
        await tx.deleteFrom('events').where('user_id', '=', user).where('at', '<', old).where(
          'seq', '<=', Math.max(...own.map(({ seq }) => seq))
        ).execute()
      }
    })
    return rows.length === sweptAtOnce ? 'busy' : 'idle'
  }
}

/** The end of one user's log, in memory while somebody reads it here; what is further back is read from the database. */
class Tail {
  readonly readers = new Set<() => void>()
  readonly #user: string
  readonly #init: { maxEvents: number, maxReaders: number }
  readonly #deps: UserEventsDeps
  #ring: Promise<EventRing> | undefined
  /** Once it is there. */
  #known: EventRing | undefined
  #isReading = false
  #isDirty = false

  constructor (user: string, init: { maxEvents: number, maxReaders: number }, deps: UserEventsDeps) {
    this.#user = user
    this.#init = init
    this.#deps = deps
  }

  async * follow ({ after, signal }: FollowOptions): AsyncGenerator<EventBatch, void, undefined> {
    const ring = await this.#opened()
    let place = after
    const isBefore = (id: string): boolean => id === oldestPlace || (/^\d{1,15}$/.test(id) && Number(id) < ring.first - 1)
    while (place != null && isBefore(place) && !signal.aborted) {
      const from = place === oldestPlace ? null : Number(place)
      const rows = await this.#rows(from ?? 0, 100)
      const missed = from != null && (rows[0]?.seq ?? ring.last + 1) > from + 1
      // what the ring begins behind was gone when it was made
      place = rows.length === 0 ? `${ring.first - 1}` : `${rows.at(-1)?.seq ?? 0}`
      yield { events: rows.map(eventOf), missed, last: place, hasMore: true }
    }
    // a reader may have had, from the database or from another peer, what this peer has not been told of yet
    if (place != null && /^\d{1,15}$/.test(place) && Number(place) > ring.last) await this.#pull(ring)
    yield * ring.follow({ after: place, signal })
  }

  /** There may be more in the database. `news`: what is known of it already. */
  refresh (news: readonly EventRow[] = []): void {
    if (!this.#isReading && this.#known != null && this.#takes(this.#known, news.filter(({ user_id: user }) => user === this.#user))) return
    this.#isDirty = true
    if (!this.#isReading) void this.#readMore()
  }

  /** Whether these are the next ones. */
  #takes (ring: EventRing, rows: readonly EventRow[]): boolean {
    if (rows.length === 0 || rows.some(({ seq }, at) => seq !== ring.last + 1 + at)) return false
    for (const { seq, at, type, data } of rows) ring.put(seq, { type, at, data: () => JSON.parse(data) as EventData })
    return true
  }

  async #readMore (): Promise<void> {
    this.#isReading = true
    try {
      const ring = await this.#opened()
      while (this.#isDirty) {
        this.#isDirty = false
        await this.#pull(ring)
      }
    } catch (err) {
      // the next notice, or a reader that comes again, reads them
      this.#deps.log.warn('events of a user could not be read', { err })
    } finally {
      this.#isReading = false
    }
  }

  /** What is known already is left out, so two of these may run at a time. */
  async #pull (ring: EventRing): Promise<void> {
    for (let count = rowsAtOnce; count === rowsAtOnce;) {
      const rows = await this.#rows(ring.last, rowsAtOnce)
      for (const { seq, at, type, data } of rows) ring.put(seq, { type, at, data: JSON.parse(data) as EventData })
      count = rows.length
    }
  }

  async #opened (): Promise<EventRing> {
    this.#ring ??= this.#open()
    try {
      return await this.#ring
    } catch (err) {
      this.#ring = undefined
      throw err
    }
  }

  async #open (): Promise<EventRing> {
    const { database, clock } = this.#deps
    const head = await database.db.selectFrom('event_heads').select('seq').where('user_id', '=', this.#user).executeTakeFirst()
    return this.#known = new EventRing({ last: head?.seq ?? 0, ...this.#init }, { clock })
  }

  async #rows (after: number, limit: number): Promise<EventRow[]> {
    return this.#deps.database.db.selectFrom('events').selectAll().where(
      'user_id', '=', this.#user
    ).where('seq', '>', after).orderBy('seq').limit(limit).execute()
  }
}

function noticeOf (users: readonly string[], rows: readonly EventRow[]): string {
  const ids = users.map(user => `${user} `).join('')
  if (rows.length === 0 || rows.length > rowsInNotice) return ids
  const text = `${ids}\n${JSON.stringify(rows.map(({ user_id: user, seq, at, type, data }) => [user, seq, at, type, data]))}`
  return Buffer.byteLength(text) <= bytesInNotice ? text : ids
}

function rowsOf (text: string | undefined): EventRow[] {
  const rows = text == null ? [] : JSON.parse(text) as Array<[user: string, seq: number, at: number, type: string, data: string]>
  return rows.map(([user, seq, at, type, data]) => ({ user_id: user, seq, at, type, data }))
}

const eventOf = ({ seq, at, type, data }: EventRow): EventBatch['events'][number] => ({
  id: `${seq}`, at, type, data: JSON.parse(data) as EventData
})
