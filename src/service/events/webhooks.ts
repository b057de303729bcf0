import type { Startable } from '../../base/lifecycle.ts'
import type { Delivery } from '../../events/webhooks/webhook.ts'
import type { WebhookRow } from '../sql/tables.ts'

/** Without its secret. */
export type KnownWebhook = Omit<WebhookRow, 'secret'>

/** What its owner chooses of a webhook. */
export interface NewWebhook {
  url: string
  /** Types of events, or what they are about; empty: all. */
  types: readonly string[]
}

/**
 * What is absent stays. `state` `active` begins again with the events from now on when it had failed, and goes on where it was when it was
 * paused.
 */
export interface WebhookChange { url?: string | undefined, types?: readonly string[] | undefined, state?: 'active' | 'paused' | undefined }

/**
 * Webhooks of users: their events by POST, signed (`events/webhooks/webhook.ts`), from any peer on the database.
 *
 * - The log of events is the queue, and each webhook has its own place in it. So deliveries come in order, and at least once: a receiver
 *   that has had one already knows it by its id. A stalled webhook keeps no other waiting.
 * - A delivery has up to a hundred events. One that fails is tried again after 5 s to 6 h; after eight failures in a row, half a day, the
 *   webhook is `failed` and waits for its owner. Events that the log has let go of meanwhile are left out.
 * - Addresses in private networks are refused, unless the configuration allows them: when they are given, and at every connection.
 * - Tries are kept: the newest hundred of each webhook.
 */
export interface Webhooks extends Startable {
  /** Newest first, without their secrets. */
  list (user: string): Promise<KnownWebhook[]>
  /** NOT_FOUND, also for others'. */
  get (user: string, id: string): Promise<KnownWebhook>
  /** Gives the secret, this once. INVALID_ARGUMENT for an address that isn't allowed, CONFLICT when there are twenty already. */
  create (user: { id: string, workspace: string }, wanted: NewWebhook): Promise<{ webhook: KnownWebhook, secret: string }>
  /** NOT_FOUND, INVALID_ARGUMENT. */
  change (user: string, id: string, change: WebhookChange): Promise<KnownWebhook>
  /** A new secret in the place of the old one, from the next delivery on. NOT_FOUND. */
  renewSecret (user: string, id: string): Promise<string>
  /** NOT_FOUND. */
  remove (user: string, id: string): Promise<void>
  /** Newest first. NOT_FOUND. */
  deliveries (user: string, id: string, options: { limit: number }): Promise<Delivery[]>
  /** Sends a test now, beside what waits, whatever the state. NOT_FOUND. */
  test (user: string, id: string, options: { signal: AbortSignal }): Promise<Delivery>
}
