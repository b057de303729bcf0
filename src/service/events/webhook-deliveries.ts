import type { Random } from '../../base/clock.ts'
import type { Delivery } from '../../events/webhooks/webhook.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql } from '../sql/sql.ts'
import type { WebhookDeliveryRow } from '../sql/tables.ts'

const keptDeliveries = 100

/** A row of a delivery as the webhook's owner sees it. Times in Unix milliseconds. */
export const deliveryOf = (row: WebhookDeliveryRow): Delivery => ({
  deliveryId: row.delivery_id, at: row.at, attempt: row.attempt, events: row.events, type: row.type, status: row.status, error: row.error,
  tookMs: row.took_ms
})

/** One try, with what it takes to store it. */
export interface NotedDelivery { webhook: string, user: string, delivery: Delivery, random: Random }

/** Keeps one try, and of the webhook's tries the newest. The webhook may be gone meanwhile. */
export async function noteDelivery (tx: Sql, { webhook, user, delivery, random }: NotedDelivery): Promise<void> {
  if (await tx.selectFrom('webhooks').select('id').where('user_id', '=', user).where('id', '=', webhook).executeTakeFirst() == null) return
  const { deliveryId, at, attempt, events, type, status, error, tookMs } = delivery
  await tx.insertInto('webhook_deliveries').values({
    id: opaqueId(random), webhook_id: webhook, user_id: user, delivery_id: deliveryId, at, attempt, events, type, status, error,
    took_ms: tookMs
  }).execute()
  const oldest = await tx.selectFrom('webhook_deliveries').select(['at']).where(
    'webhook_id', '=', webhook
  ).orderBy('at', 'desc').orderBy('id', 'desc')
    .offset(keptDeliveries).limit(1).executeTakeFirst()
  if (oldest != null) await tx.deleteFrom('webhook_deliveries').where('webhook_id', '=', webhook).where('at', '<=', oldest.at).execute()
}
