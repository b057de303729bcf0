import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { refusePrivateName } from '../../base/public-address.ts'
import type { Lookup } from '../../base/public-address.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import { webhookUrl } from '../../events/webhooks/http-delivery.ts'
import type { Deliver, Delivery } from '../../events/webhooks/webhook.ts'
import { deliveryRequest, newSecret, testEvent } from '../../events/webhooks/webhook.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { WebhookRow } from '../sql/tables.ts'
import { deliveryOf, noteDelivery } from './webhook-deliveries.ts'
import { WebhookSender } from './webhook-sender.ts'
import type { KnownWebhook, NewWebhook, WebhookChange, Webhooks } from './webhooks.ts'

export interface WebhooksInit {
  /** Whether receivers may be in private networks. */
  privateAllowed: boolean
}

export interface WebhooksDeps {
  database: SqlDatabase
  deliver: Deliver
  /** Default: the machine's. */
  lookup?: Lookup | undefined
  workers: Workers
  clock: Clock
  random: Random
  log: Logger
}

const webhooksOfUser = 20

/** `Webhooks` in the service's database: addresses that users have named, and what was delivered to them. */
export function webhooks (init: WebhooksInit, deps: WebhooksDeps): Webhooks { return new SqlWebhooks(init, deps) }

class SqlWebhooks implements Webhooks {
  readonly name = 'service webhooks'
  readonly #init: WebhooksInit
  readonly #deps: WebhooksDeps
  readonly #sender: WebhookSender
  #sending: WorkerHandle | undefined
  #unlisten = (): void => {}

  constructor (init: WebhooksInit, deps: WebhooksDeps) {
    this.#init = init
    this.#deps = deps
    this.#sender = new WebhookSender({ ...deps, wake: () => this.#sending?.wake() })
  }

  async start (): Promise<void> {
    const { database, workers } = this.#deps
    this.#sending = workers.add(this.#sender)
    this.#unlisten = database.listen('events', () => this.#sending?.wake())
  }

  async stop (): Promise<void> {
    this.#unlisten()
    await this.#sending?.stop()
    await this.#sender.stop()
  }

  async list (user: string): Promise<KnownWebhook[]> {
    const rows = await this.#deps.database.db.selectFrom('webhooks').selectAll().where('user_id', '=', user).orderBy('created_at', 'desc')
      .orderBy('id').execute()
    return rows.map(withoutSecret)
  }

  async get (user: string, id: string): Promise<KnownWebhook> { return withoutSecret(await rowOf(this.#deps.database.db, user, id)) }

  async create (user: { id: string, workspace: string }, { url, types }: NewWebhook): Promise<{ webhook: KnownWebhook, secret: string }> {
    const { database, random } = this.#deps
    const checked = await this.#checkedUrl(url)
    const [id, secret] = [opaqueId(random), newSecret(random)]
    const webhook = await database.transaction(async tx => {
      const own = await tx.selectFrom('webhooks').select('id').where('user_id', '=', user.id).execute()
      if (own.length >= webhooksOfUser) {
        throw new ClusterError('CONFLICT', {}, { message: `an account has ${webhooksOfUser} webhooks at most` })
      }
      return tx.insertInto('webhooks').values({
        id, user_id: user.id, workspace_id: user.workspace, url: checked, secret, types: JSON.stringify(types), state: 'active',
        seq: await headOf(tx, user.id), created_at: database.now()
      }).returningAll().executeTakeFirstOrThrow()
    })
    return { webhook: withoutSecret(webhook), secret }
  }

  async change (user: string, id: string, { url, types, state }: WebhookChange): Promise<KnownWebhook> {
    const checked = url == null ? undefined : await this.#checkedUrl(url)
    const row = await this.#deps.database.transaction(async tx => {
      const before = await rowOf(tx, user, id)
      const again = state === 'active' && before.state !== 'active'
        ? { failures: 0, next_try_at: 0, ...(before.state === 'failed' ? { seq: await headOf(tx, user) } : {}) }
        : {}
      const changes = {
        ...again, ...(checked == null ? {} : { url: checked, next_try_at: 0 }), ...(types == null ? {} : { types: JSON.stringify(types) }),
        ...(state == null ? {} : { state })
      }
      if (Object.keys(changes).length === 0) return before
      return tx.updateTable('webhooks').set(changes).where('user_id', '=', user).where('id', '=', id).returningAll()
        .executeTakeFirstOrThrow()
    })
    this.#sending?.wake()
    return withoutSecret(row)
  }

  async renewSecret (user: string, id: string): Promise<string> {
    const secret = newSecret(this.#deps.random)
    const { numUpdatedRows } = await this.#deps.database.transaction(tx =>
      tx.updateTable('webhooks').set({ secret }).where('user_id', '=', user).where('id', '=', id).executeTakeFirst())
    if (numUpdatedRows === 0n) throw notFound()
    return secret
  }

  async remove (user: string, id: string): Promise<void> {
    const { numDeletedRows } = await this.#deps.database.transaction(
      tx => tx.deleteFrom('webhooks').where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
    )
    if (numDeletedRows === 0n) throw notFound()
  }

  async deliveries (user: string, id: string, { limit }: { limit: number }): Promise<Delivery[]> {
    const { db } = this.#deps.database
    await rowOf(db, user, id)
    const rows = await db.selectFrom('webhook_deliveries').selectAll().where('user_id', '=', user).where('webhook_id', '=', id)
      .orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute()
    return rows.map(deliveryOf)
  }

  async test (user: string, id: string, { signal }: { signal: AbortSignal }): Promise<Delivery> {
    const { database, deliver, random } = this.#deps
    const { url, secret } = await rowOf(database.db, user, id)
    const at = database.now()
    const deliveryId = `test.${opaqueId(random)}`
    const result = await deliver(
      deliveryRequest({ url: new URL(url), secret, id: deliveryId, events: [testEvent(at)], now: at }), { signal }
    )
    const tried = { deliveryId, at, attempt: 1, events: 1, type: 'test', ...result }
    await database.transaction(tx => noteDelivery(tx, { webhook: id, user, delivery: tried, random }))
    return tried
  }

  async #checkedUrl (text: string): Promise<string> {
    const url = webhookUrl(text, this.#init)
    if (!this.#init.privateAllowed) await refusePrivateName(url, this.#deps)
    return url.href
  }
}

const notFound = (): ClusterError => new ClusterError('NOT_FOUND', {}, { message: 'there is no such webhook' })
const withoutSecret = ({ secret: _secret, ...known }: WebhookRow): KnownWebhook => known

async function rowOf (db: Pick<Sql, 'selectFrom'>, user: string, id: string): Promise<WebhookRow> {
  const row = await db.selectFrom('webhooks').selectAll().where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
  if (row == null) throw notFound()
  return row
}

async function headOf (tx: Sql, user: string): Promise<number> {
  return (await tx.selectFrom('event_heads').select('seq').where('user_id', '=', user).executeTakeFirst())?.seq ?? 0
}
