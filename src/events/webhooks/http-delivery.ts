import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { hostOf, publicOnly, publicUrl } from '../../base/public-address.ts'
import type { Lookup } from '../../base/public-address.ts'
import { shortText } from '../events.ts'
import type { Deliver, DeliveryRequest } from './webhook.ts'

export interface HttpDeliveryInit {
  /** Whether receivers may be in private networks. */
  privateAllowed: boolean
}

export interface HttpDeliveryDeps {
  clock: Clock
  /** Default: the machine's. */
  lookup?: Lookup | undefined
}

const answerMs = 10_000

/** Checks where a webhook goes to. INVALID_ARGUMENT. Names are looked up at each delivery. */
export const webhookUrl = (text: string, { privateAllowed }: HttpDeliveryInit): URL =>
  publicUrl(text, { what: 'the address of the webhook', privateAllowed })

/**
 * POSTs to where the webhook leads at that moment. Every connection goes to an address that was checked, redirects aren't followed, of the
 * answer only the status counts, and the whole has ten seconds.
 */
export function httpDelivery (init: HttpDeliveryInit, { clock, lookup }: HttpDeliveryDeps): Deliver {
  const guarded = init.privateAllowed ? undefined : publicOnly(lookup)
  return async (delivery, { signal }) => {
    const begunAt = clock.elapsed()
    const late = deadline(
      clock, answerMs, () => new ClusterError('TIMEOUT', {}, { message: `no answer within ${answerMs / 1000} s` }), signal
    )
    const tookMs = (): number => Math.round(clock.elapsed() - begunAt)
    try {
      webhookUrl(delivery.url.href, init)
      const status = await sent(delivery, { lookup: guarded, signal: late.signal })
      return { status, error: status >= 200 && status < 300 ? null : `it answers ${status}`, tookMs: tookMs() }
    } catch (err) {
      return { status: null, error: shortText(messageOf(late.signal.aborted ? late.signal.reason : err)), tookMs: tookMs() }
    } finally {
      late.clear()
    }
  }
}

async function sent (
  { url, headers, body }: DeliveryRequest, { lookup, signal }: { lookup: ReturnType<typeof publicOnly> | undefined, signal: AbortSignal }
): Promise<number> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = { 'content-length': String(Buffer.byteLength(body)) }
  const guard = lookup == null || isIP(hostOf(url)) !== 0 ? {} : { lookup }
  const sending = request(url, { method: 'POST', headers: { ...headers, ...length }, agent: false, signal, ...guard }, resolve)
  // also of what comes when the answer is there
  sending.on('error', reject)
  // an answer that changes the protocol ends the request without a word
  sending.once('close', () => reject(new ClusterError('UNSUPPORTED', {}, { message: 'its answer changes the protocol' })))
  sending.end(body)
  const response = await promise
  response.destroy()
  return response.statusCode ?? 0
}
