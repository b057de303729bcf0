import { createHmac } from 'node:crypto'
import type { Random } from '../../base/clock.ts'
import type { LoggedEvent } from '../events.ts'
import { eventJson } from '../events.ts'

/**
 * Webhooks: events by POST, in their order, some of them in each request. The headers are those of the Standard Webhooks specification:
 * `webhook-id` (the same for every try of one delivery, so that a receiver can tell what it has had), `webhook-timestamp` (Unix seconds)
 * and `webhook-signature`: `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64, with the bytes behind `whsec_` of the secret as its
 * key.
 */
export interface DeliveryRequest {
  url: URL
  headers: Readonly<Record<string, string>>
  body: string
}

/** How a request ended: `status` null when no answer came, `error` says why. Anything but 2xx is a failure. */
export interface DeliveryResult { status: number | null, error: string | null, tookMs: number }

/** Sends one request. Never rejects. */
export type Deliver = (request: DeliveryRequest, options: { signal: AbortSignal }) => Promise<DeliveryResult>

/** A delivery as it is told: one try. */
export interface Delivery extends DeliveryResult {
  /** `webhook-id` of the request. */
  deliveryId: string
  at: number
  /** 1 for the first. */
  attempt: number
  /** How many events were in it, and the type of the first. */
  events: number
  type: string
}

/** The rest goes with the next delivery, so that no body grows with the time that a receiver was away. */
export const maxEventsInDelivery = 100
const secretPrefix = 'whsec_'
const secretBytes = 24

/** A fresh secret in the form of Standard Webhooks: `whsec_` and base64. */
export const newSecret = (random: Random): string => `${secretPrefix}${Buffer.from(random.bytes(secretBytes)).toString('base64')}`

/** The bytes of a secret; of one that isn't written in base64 behind the prefix, its text. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(secretPrefix) ? Buffer.from(secret.slice(secretPrefix.length), 'base64') : Buffer.from(secret)

/** The signature of a message as Standard Webhooks has it. `timestamp`: Unix seconds. */
export function signatureOf (secret: string, { id, timestamp, body }: { id: string, timestamp: number, body: string }): string {
  return `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

export interface DeliveryInit { url: URL, secret: string, id: string, events: readonly LoggedEvent[], now: number }

/** The POST of a delivery: the events as JSON, and their signature with the secret over time and body, in headers. */
export function deliveryRequest ({ url, secret, id, events, now }: DeliveryInit): DeliveryRequest {
  const body = JSON.stringify({ id, events: events.map(eventJson) })
  const timestamp = Math.floor(now / 1000)
  return {
    url,
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'helia-cluster-webhooks',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf(secret, { id, timestamp, body })
    }
  }
}

/** Whether the receiver took it: any status from 200 to 299. */
export const isDelivered = ({ status }: DeliveryResult): boolean => status != null && status >= 200 && status < 300

const pausesSeconds = [5, 30, 120, 600, 1800, 3600, 10_800, 21_600]

/** How long to wait after so many failures in a row; undefined: the webhook is given up (half a day after the first failure). */
export function pauseAfter (failures: number): number | undefined {
  const seconds = pausesSeconds[failures - 1]
  return seconds == null ? undefined : seconds * 1000
}

/** The event of type `test` by which a webhook is tried out. `now`: Unix milliseconds. */
export const testEvent = (now: number): LoggedEvent => ({
  id: 'test', at: now, type: 'test', data: { text: 'This is a test of the webhook.' }
})
