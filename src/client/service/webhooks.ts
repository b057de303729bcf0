import { segment } from './caller.ts'
import type { CallOptions, ServiceCaller } from './caller.ts'
import type { CreatedWebhook, Webhook, WebhookChange, WebhookDelivery } from './types.ts'

const path = '/api/v1/webhooks'

/** Events of the account, sent to programs elsewhere. */
export class ServiceWebhooks {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  list (options: CallOptions = {}): Promise<Webhook[]> { return this.#caller.data({ method: 'GET', path, ...options }) }
  /** `secret` is shown only here. */
  create (webhook: { url: string, types?: readonly string[] }, options: CallOptions = {}): Promise<CreatedWebhook> {
    return this.#caller.data({ method: 'POST', path, json: webhook, ...options })
  }

  change (id: string, change: WebhookChange, options: CallOptions = {}): Promise<Webhook> { return this.#caller.data({
    method: 'PATCH', path: one(id), json: change, ...options
  }) }
  remove (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: one(id), ...options
  }) }
  /** The old one signs nothing more. */
  renewSecret (id: string, options: CallOptions = {}): Promise<{ secret: string }> { return this.#caller.data({
    method: 'POST', path: `${one(id)}/secret`, ...options
  }) }
  test (id: string, options: CallOptions = {}): Promise<WebhookDelivery> { return this.#caller.data({
    method: 'POST', path: `${one(id)}/test`, ...options
  }) }
  /** Newest first: one for each try. */
  deliveries (id: string, { limit, ...options }: CallOptions & { limit?: number } = {}): Promise<WebhookDelivery[]> {
    return this.#caller.data({ method: 'GET', path: `${one(id)}/deliveries`, query: { limit }, ...options })
  }
}

const one = (id: string): string => `${path}/${segment(id)}`
