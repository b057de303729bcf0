import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { EventFeed, LoggedEvent } from '../events.ts'
import { isWanted, oldestPlace } from '../events.ts'
import type { Deliver, Delivery } from './webhook.ts'
import { deliveryRequest, isDelivered, maxEventsInDelivery, pauseAfter, testEvent } from './webhook.ts'

export interface ConfiguredWebhooksInit {
  urls: readonly string[]
  /** Signs what is sent. */
  secret: string
  /** Types of events, or what they are about; empty: all. */
  types: readonly string[]
}

export interface ConfiguredWebhooksDeps { feed: EventFeed, deliver: Deliver, clock: Clock, log: Logger }

/** A webhook of the cluster, as operators see it. */
export interface ConfiguredWebhook {
  /** Its number in the configuration, from 0. */
  id: number
  /** Without query, which may hold a secret. */
  url: string
  types: readonly string[]
  /** Failures since the last success. */
  failures: number
  /** null: nothing waits for another try. */
  nextTryAt: number | null
  /** Events were lost, because the receiver was away for longer than the log is long. */
  missed: boolean
  /** Newest first. */
  deliveries: readonly Delivery[]
}

const keptDeliveries = 50
const longestPauseMs = 600_000

/**
 * The cluster's events to addresses of service.json. Each address has its own place in the log; while one fails, its events wait there, and
 * are lost with the peer's end or when the log has no more room. It is tried again for as long as the peer runs, every ten minutes at
 * least.
 */
export class ConfiguredWebhooks implements Startable {
  readonly name = 'webhooks'
  readonly #senders: Sender[]
  #ended: Promise<unknown> = Promise.resolve()
  readonly #end = new AbortController()

  constructor (init: ConfiguredWebhooksInit, deps: ConfiguredWebhooksDeps) {
    this.#senders = init.urls.map((url, id) => new Sender({ id, url: new URL(url), secret: init.secret, types: init.types }, deps))
  }

  async start (): Promise<void> { this.#ended = Promise.all(this.#senders.map(sender => sender.run(this.#end.signal))) }

  async stop (): Promise<void> {
    this.#end.abort(new ClusterError('NOT_READY', {}, { message: 'the peer stops' }))
    await this.#ended
  }

  list (): ConfiguredWebhook[] { return this.#senders.map(sender => sender.state()) }

  /** Sends a test now, beside what waits. NOT_FOUND. */
  async test (id: number, { signal }: { signal: AbortSignal }): Promise<Delivery> {
    const sender = this.#senders[id]
    if (sender == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such webhook' })
    return sender.test(signal)
  }
}

interface SenderInit { id: number, url: URL, secret: string, types: readonly string[] }

class Sender {
  readonly #init: SenderInit
  readonly #deps: ConfiguredWebhooksDeps
  readonly #deliveries: Delivery[] = []
  #failures = 0
  #nextTryAt: number | null = null
  #missed = false
  #tests = 0

  constructor (init: SenderInit, deps: ConfiguredWebhooksDeps) {
    this.#init = init
    this.#deps = deps
  }

  state (): ConfiguredWebhook {
    const { id, url, types } = this.#init
    return {
      id, url: plainUrl(url), types, failures: this.#failures, nextTryAt: this.#nextTryAt, missed: this.#missed,
      deliveries: this.#deliveries.toReversed()
    }
  }

  async test (signal: AbortSignal): Promise<Delivery> {
    return this.#try(
      { id: `test-${this.#init.id}-${++this.#tests}-${this.#deps.clock.now()}`, events: [testEvent(this.#deps.clock.now())], attempt: 1 },
      signal
    )
  }

  /** Until the signal aborts or the log is closed. Never rejects. */
  async run (signal: AbortSignal): Promise<void> {
    try {
      for await (const { events, missed } of this.#deps.feed.follow({ after: oldestPlace, signal })) {
        if (missed) this.#missed = true
        const wanted = events.filter(({ type }) => isWanted(type, this.#init.types))
        for (const some of batchesOf(wanted, maxEventsInDelivery)) await this.#deliver(some, signal)
      }
    } catch (err) {
      if (!signal.aborted) this.#deps.log.error('a webhook has stopped unexpectedly', { url: plainUrl(this.#init.url), err })
    }
  }

  /** Again and again until it is there. */
  async #deliver (events: readonly LoggedEvent[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    const id = `${this.#init.id}-${events[0]?.id ?? ''}`
    for (let attempt = 1; !signal.aborted; attempt++) {
      const delivery = await this.#try({ id, events, attempt }, signal)
      if (signal.aborted) return
      if (isDelivered(delivery)) {
        this.#failures = 0
        this.#nextTryAt = null
        return
      }
      const pauseMs = Math.min(longestPauseMs, pauseAfter(++this.#failures) ?? longestPauseMs)
      // a warning would be an event, which would have to be sent
      this.#deps.log.info('a webhook failed', { url: plainUrl(this.#init.url), attempt, status: delivery.status, error: delivery.error })
      this.#nextTryAt = clock.now() + pauseMs
      await clock.sleep(pauseMs, signal).catch(() => {}) // the peer stops
    }
  }

  async #try (
    { id, events, attempt }: { id: string, events: readonly LoggedEvent[], attempt: number }, signal: AbortSignal
  ): Promise<Delivery> {
    const { deliver, clock } = this.#deps
    const { url, secret } = this.#init
    const at = clock.now()
    const result = await deliver(deliveryRequest({ url, secret, id, events, now: at }), { signal })
    const delivery = { deliveryId: id, at, attempt, events: events.length, type: events[0]?.type ?? '', ...result }
    this.#deliveries.push(delivery)
    if (this.#deliveries.length > keptDeliveries) this.#deliveries.shift()
    return delivery
  }
}

/** As it may be shown: a query may hold a secret. */
const plainUrl = (url: URL): string => `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
