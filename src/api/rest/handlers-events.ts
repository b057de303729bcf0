import type { Clock } from '../../base/clock.ts'
import { eventStream } from '../../events/event-stream.ts'
import type { EventFeed } from '../../events/events.ts'
import type { Warning } from '../../events/warnings.ts'
import type { ConfiguredWebhook } from '../../events/webhooks/configured-webhooks.ts'
import type { Delivery } from '../../events/webhooks/webhook.ts'
import { badRequest, HttpError } from '../../http/error-dialect.ts'
import type { HeaderList, Reply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import { clusterEventTypes, typeList, wrongChoice } from '../../model/event-types.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime } from '../../model/time.ts'
import { booleanParam } from '../common/boolean-param.ts'

/** What tells of things as they happen. */
export interface Watching {
  feed: EventFeed
  warnings: { list (): Warning[] }
  /** Absent: none are configured. */
  webhooks?: { list (): ConfiguredWebhook[], test (id: number, options: { signal: AbortSignal }): Promise<Delivery> } | undefined
}

const streamHeaders: HeaderList = [['Cache-Control', 'no-store'], ['X-Accel-Buffering', 'no']]

/** `/events`, `/warnings` and `/webhooks`: what happens on this peer, and who is told. */
export class EventHandlers {
  readonly #watching: Watching
  readonly #clock: Clock

  constructor ({ watching, clock }: { watching: Watching, clock: Clock }) {
    this.#watching = watching
    this.#clock = clock
  }

  readonly events = ({ query, headers, signal }: Call): Reply => {
    const last = headers['last-event-id']
    const after = typeof last === 'string' && last !== '' ? last : query.get('after')
    const types = typeList(query.get('types'))
    const wrong = wrongChoice(types, clusterEventTypes)
    if (wrong != null) throw badRequest(wrong)
    const source = eventStream(
      { ...(after === '' ? {} : { after }), types, waits: booleanParam(query, 'wait', true), signal },
      { feed: this.#watching.feed, clock: this.#clock }
    )
    return { kind: 'lines', style: 'list', contentType: 'text/event-stream', headers: streamHeaders, source }
  }

  readonly warnings = (): Reply => jsonReply(goJson(this.#watching.warnings.list().map(warningJson)))

  readonly webhooks = (): Reply => jsonReply(goJson((this.#watching.webhooks?.list() ?? []).map(webhookJson)))

  readonly testWebhook = async ({ params: { id = '' }, signal }: Call): Promise<Reply> => {
    const { webhooks } = this.#watching
    const known = webhooks?.list().find(one => String(one.id) === id)
    if (webhooks == null || known == null) throw new HttpError(404, 'there is no such webhook')
    return jsonReply(goJson(deliveryJson(await webhooks.test(known.id, { signal }))))
  }
}

const warningJson = ({ level, component, message, facts, firstAt, lastAt, count }: Warning): Record<string, unknown> =>
  ({ level, component, message, facts, first_at: formatTime(firstAt), last_at: formatTime(lastAt), count })

const webhookJson = ({ id, url, types, failures, nextTryAt, missed, deliveries }: ConfiguredWebhook): Record<string, unknown> =>
  ({
    id, url, types, failures, next_try_at: nextTryAt == null ? null : formatTime(nextTryAt), missed,
    deliveries: deliveries.map(deliveryJson)
  })

const deliveryJson = ({ deliveryId, at, attempt, events, type, status, error, tookMs }: Delivery): Record<string, unknown> =>
  ({ delivery_id: deliveryId, at: formatTime(at), attempt, events, type, status, error, took_ms: tookMs })
