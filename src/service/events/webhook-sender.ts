import { sql } from 'kysely'
import type { SqlBool } from 'kysely'
import type { Random } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { EventData, LoggedEvent } from '../../events/events.ts'
import { isWanted } from '../../events/events.ts'
import type { Deliver, DeliveryResult } from '../../events/webhooks/webhook.ts'
import { deliveryRequest, isDelivered, maxEventsInDelivery, pauseAfter } from '../../events/webhooks/webhook.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { EventRow, WebhookRow } from '../sql/tables.ts'
import { noteDelivery } from './webhook-deliveries.ts'

export interface WebhookSenderDeps {
  database: SqlDatabase
  deliver: Deliver
  /** Look for work now. */
  wake: () => void
  random: Random
  log: Logger
}

const leaseMs = 60_000
const idleMs = 5000
const webhooksAtOnce = 16
/** A user whose receivers take their time keeps no other user's waiting. */
const atOnceOfUser = 4
/** Twenty webhooks of each user at most may stand in line, so among so many there is enough to do. */
const candidatesPerPlace = 5

/** In the words of the partial index. */
const isActive = sql<SqlBool>`state = 'active'`
const hasMore =
  sql<SqlBool>`exists (select 1 from event_heads where event_heads.user_id = webhooks.user_id and event_heads.seq > webhooks.seq)`

/** What one round had of one webhook: the events behind its place, and the place behind them. */
interface Due { webhook: WebhookRow, events: LoggedEvent[], last: number }

/**
 * Sends to the webhooks that have something to send, some of them at once and a few of each user: the one that had its turn longest ago is
 * next. None waits for another's receiver, also where many take as long as they may.
 */
export class WebhookSender implements Worker {
  readonly name = 'service webhooks'
  readonly jitter = 0.2
  readonly #deps: WebhookSenderDeps
  /** With the users whose they are. */
  readonly #running = new Map<Promise<void>, string>()
  readonly #end = new AbortController()

  constructor (deps: WebhookSenderDeps) { this.#deps = deps }

  intervalMs (): number { return idleMs }

  /** Who is done with one wakes this. */
  async work (): Promise<'idle'> {
    const { database } = this.#deps
    const room = webhooksAtOnce - this.#running.size
    if (room <= 0 || await due(database.db, database.now()).limit(1).executeTakeFirst() == null) return 'idle'
    for (const webhook of await database.transaction(tx => this.#take(tx, room))) this.#begin(webhook)
    return 'idle'
  }

  /** Cuts what is being sent; its webhooks are anybody's again. */
  async stop (): Promise<void> {
    this.#end.abort()
    await Promise.all(this.#running.keys())
  }

  #begin (webhook: WebhookRow): void {
    const run = this.#serve(webhook, this.#end.signal).then(() => this.#deps.wake(), err => {
      // its lease ends by itself
      this.#deps.log.warn('the result of a delivery could not be stored', { webhook: webhook.id, err })
    }).finally(() => this.#running.delete(run))
    this.#running.set(run, webhook.user_id)
  }

  async #take (tx: Sql, limit: number): Promise<WebhookRow[]> {
    const { database } = this.#deps
    const now = database.now()
    const busy = [
      ...Map.groupBy(this.#running.values(), user => user)
    ].filter(([, all]) => all.length >= atOnceOfUser).map(([user]) => user)
    const query = due(tx, now).limit(limit * candidatesPerPlace).$if(busy.length > 0, select => select.where('user_id', 'not in', busy))
    const candidates = await (database.kind === 'postgres' ? query.forUpdate('webhooks').skipLocked() : query).execute()
    const found = this.#fairly(candidates).slice(0, limit)
    if (found.length === 0) return []
    return tx.updateTable('webhooks').set({
      lease_until: now + leaseMs
    }).where('id', 'in', found.map(({ id }) => id)).returningAll().execute()
  }

  /** Without those that are too many of their user. */
  #fairly<Row extends { user_id: string }> (candidates: readonly Row[]): Row[] {
    const counts = new Map<string, number>()
    for (const user of this.#running.values()) counts.set(user, (counts.get(user) ?? 0) + 1)
    return candidates.filter(({ user_id: user }) => {
      const count = (counts.get(user) ?? 0) + 1
      counts.set(user, count)
      return count <= atOnceOfUser
    })
  }

  async #serve (webhook: WebhookRow, signal: AbortSignal): Promise<void> {
    const { database, deliver } = this.#deps
    const found = await this.#eventsOf(webhook)
    if (found.events.length === 0) {
      await database.transaction(tx => moved(tx, webhook, { seq: found.last, lease_until: 0, next_try_at: database.now() }))
      return
    }
    const now = database.now()
    const deliveryId = `${webhook.id}.${found.events[0]?.id ?? ''}`
    const result = await deliver(
      deliveryRequest({ url: new URL(webhook.url), secret: webhook.secret, id: deliveryId, events: found.events, now }), { signal }
    )
    // what the stop of the peer has cut is nobody's failure: whoever takes it next sends it again
    if (signal.aborted && !isDelivered(result)) return await this.#giveBack(webhook)
    await this.#note(found, { deliveryId, at: now, result })
  }

  async #eventsOf (webhook: WebhookRow): Promise<Due> {
    const { db } = this.#deps.database
    const { user_id: user, seq, tried_seq: tried } = webhook
    const isAgain = webhook.failures > 0 && tried > seq
    let query = db.selectFrom('events').selectAll().where('user_id', '=', user).where('seq', '>', seq)
    // one id stands for the same events at every try
    if (isAgain) query = query.where('seq', '<=', tried)
    const rows = await query.orderBy('seq').limit(maxEventsInDelivery).execute()
    const wanted = JSON.parse(webhook.types) as string[]
    const events = rows.filter(({ type }) => isWanted(type, wanted)).map(eventOf)
    return { webhook, events, last: rows.at(-1)?.seq ?? (isAgain ? tried : await this.#headOf(user) ?? seq) }
  }

  /** Where a webhook goes on whose events are gone from the log. */
  async #headOf (user: string): Promise<number | undefined> {
    return (await this.#deps.database.db.selectFrom('event_heads').select('seq').where('user_id', '=', user).executeTakeFirst())?.seq
  }

  async #note (
    { webhook, events, last }: Due, { deliveryId, at, result }: { deliveryId: string, at: number, result: DeliveryResult }
  ): Promise<void> {
    const { database, random, log } = this.#deps
    const { id, user_id: user, failures } = webhook
    const outcome: Outcome = isDelivered(result)
      ? { seq: last, failures: 0, next_try_at: database.now(), lease_until: 0 }
      : { ...failed(failures + 1, database.now()), tried_seq: last }
    if (outcome.state === 'failed') log.info('a webhook failed too often: it is disabled', { webhook: id, user, error: result.error })
    await database.transaction(async tx => {
      await moved(tx, webhook, outcome)
      await noteDelivery(tx, {
        webhook: id, user,
        delivery: { deliveryId, at, attempt: failures + 1, events: events.length, type: events[0]?.type ?? '', ...result }, random
      })
    })
  }

  async #giveBack (webhook: WebhookRow): Promise<void> {
    await this.#deps.database.transaction(tx => moved(tx, webhook, { lease_until: 0 }))
  }
}

/** Active ones that have something to send, and that nobody is at. */
const due = (db: Pick<Sql, 'selectFrom'>, now: number) =>
  db.selectFrom('webhooks').select(['id', 'user_id']).where(isActive).where(
    'next_try_at', '<=', now
  ).where('lease_until', '<=', now).where(hasMore).orderBy('next_try_at').orderBy('id')

const eventOf = ({ seq, at, type, data }: EventRow): LoggedEvent => ({ id: `${seq}`, at, type, data: JSON.parse(data) as EventData })

type Outcome = Partial<Pick<WebhookRow, 'seq' | 'tried_seq' | 'failures' | 'next_try_at' | 'lease_until' | 'state'>>

function failed (failures: number, now: number): Outcome {
  const pauseMs = pauseAfter(failures)
  return { failures, lease_until: 0, ...(pauseMs == null ? { state: 'failed' as const } : { next_try_at: now + pauseMs }) }
}

/** Only while it stands where it stood: whoever changed the webhook meanwhile wins, and a lease that was lost changes nothing. */
async function moved (tx: Sql, { id, user_id: user, seq, lease_until: lease }: WebhookRow, outcome: Outcome): Promise<void> {
  await tx.updateTable('webhooks').set(outcome).where('user_id', '=', user).where('id', '=', id).where('seq', '=', seq).where(
    'lease_until', '=', lease
  ).execute()
}
