import { z } from 'zod'
import type { Delivery } from '../../../events/webhooks/webhook.ts'
import { choicesOf } from '../../../model/event-types.ts'
import { userEventTypes } from '../../../service/events/user-events.ts'
import type { KnownWebhook, Webhooks } from '../../../service/events/webhooks.ts'
import { webhookStates } from '../../../service/sql/tables.ts'
import { success, successDoc, time, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { queryInt } from './fields.ts'

export interface WebhookRoutesDeps { webhooks: Omit<Webhooks, 'start' | 'stop' | 'name'> }

const tag = 'Webhooks'
const access = 'session-or-full-key'
const params = { id: 'As in the list.' }

const type = z.enum(choicesOf(userEventTypes))
const url = z.string().trim().min(1).max(2048).describe('http:// or https://, of a public network.')
const types = z.array(type).max(50).describe('Types of events, or what they are about; an empty list: all.')

const webhook = z.object({
  id: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  state: z.enum(webhookStates).describe('`failed`: given up, because the receiver was away for half a day.'),
  failures: z.int().describe('Since the last success.'),
  next_try_at: time.nullable().describe('null: nothing waits for another try.'),
  created_at: time
})

const delivery = z.object({
  delivery_id: z.string().describe('`webhook-id` of the request: the same for every try.'),
  at: time,
  attempt: z.int(),
  events: z.int(),
  type: z.string().describe('Of the first event.'),
  status: z.int().nullable().describe('null: no answer came.'),
  error: z.string().nullable(),
  took_ms: z.int()
})

const secret = z.string().describe('Signs what is sent. Shown only once.')

/** Webhooks of the caller's own events. */
export function webhookRoutes (deps: WebhookRoutesDeps): ServiceRoute[] {
  return [
    listWebhooks(deps), createWebhook(deps), changeWebhook(deps), removeWebhook(deps), renewSecret(deps), testWebhook(deps),
    listDeliveries(deps)
  ]
}

const listWebhooks = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/webhooks',
  access,
  doc: { tag, summary: 'Your webhooks, newest first', responses: [successDoc(z.array(webhook))] },
  handler: async ({ caller: { user } }) => success({ data: (await webhooks.list(user.id)).map(webhookJson) })
})

const createWebhook = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/webhooks',
  access,
  body: z.strictObject({ url, types: types.optional() }),
  doc: {
    tag,
    summary: 'Have events sent to an address, from now on',
    responses: [
      successDoc(webhook.extend({ secret }), { status: 201, message: true }), { status: 409, about: 'There are twenty already.' }
    ]
  },
  handler: async ({ caller: { user }, body }) => {
    const made = await webhooks.create({ id: user.id, workspace: user.workspace_id }, { url: body.url, types: body.types ?? [] })
    return success({
      status: 201, message: 'Webhook created successfully', data: { ...webhookJson(made.webhook), secret: made.secret }
    })
  }
})

const changeWebhook = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'PATCH',
  path: '/api/v1/webhooks/{id}',
  access,
  body: z.strictObject({ url: url.optional(), types: types.optional(), state: z.enum(['active', 'paused']).optional() }),
  doc: { tag, summary: 'Change a webhook; pause it, or begin again', params, responses: [successDoc(webhook, { message: true })] },
  handler: async ({ caller: { user }, params: { id = '' }, body }) =>
    success({ message: 'Webhook updated successfully', data: webhookJson(await webhooks.change(user.id, id, body)) })
})

const removeWebhook = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: '/api/v1/webhooks/{id}',
  access,
  doc: { tag, summary: 'Remove a webhook', params, responses: [successDoc(undefined, { message: true })] },
  handler: async ({ caller: { user }, params: { id = '' } }) => {
    await webhooks.remove(user.id, id)
    return success({ message: 'Webhook removed successfully' })
  }
})

const renewSecret = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/webhooks/{id}/secret',
  access,
  doc: {
    tag, summary: 'A new secret in the place of the old one', params, responses: [successDoc(z.object({ secret }), { message: true })]
  },
  handler: async ({ caller: { user }, params: { id = '' } }) =>
    success({ message: 'Secret renewed successfully', data: { secret: await webhooks.renewSecret(user.id, id) } })
})

const testWebhook = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/webhooks/{id}/test',
  access,
  doc: { tag, summary: 'Send a test now; answers with its result', params, responses: [successDoc(delivery, { message: true })] },
  handler: async ({ caller: { user }, params: { id = '' }, signal }) =>
    success({ message: 'Test sent', data: deliveryJson(await webhooks.test(user.id, id, { signal })) })
})

const listDeliveries = ({ webhooks }: WebhookRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/webhooks/{id}/deliveries',
  access,
  query: z.object({ limit: queryInt(1, 100).optional() }),
  doc: {
    tag, summary: 'What was sent, newest first: one entry for each try, the last hundred', params,
    responses: [successDoc(z.array(delivery))]
  },
  handler: async ({ caller: { user }, params: { id = '' }, query: { limit } }) =>
    success({ data: (await webhooks.deliveries(user.id, id, { limit: limit ?? 100 })).map(deliveryJson) })
})

function webhookJson (row: KnownWebhook): z.infer<typeof webhook> {
  const waits = row.state === 'active' && row.failures > 0
  return {
    id: row.id,
    url: row.url,
    types: JSON.parse(row.types) as string[],
    state: row.state,
    failures: row.failures,
    next_try_at: waits ? timeText(row.next_try_at) : null,
    created_at: timeText(row.created_at)
  }
}

function deliveryJson ({ deliveryId, at, attempt, events, type, status, error, tookMs }: Delivery): z.infer<typeof delivery> {
  return { delivery_id: deliveryId, at: timeText(at), attempt, events, type, status, error, took_ms: tookMs }
}
