import type { RequestListener } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { SeenRequest } from './peer-metrics.ts'

export interface MeasuredRequestsDeps { seen (request: SeenRequest): void, clock: Pick<Clock, 'elapsed'> }

/** The same listener; each request is told when its answer is complete or the client has gone. */
export function measuredRequests (api: string, { seen, clock }: MeasuredRequestsDeps): (listener: RequestListener) => RequestListener {
  return listener => (request, response) => {
    const from = clock.elapsed()
    response.once('close', () => seen({
      api, method: request.method ?? '', status: response.statusCode, seconds: (clock.elapsed() - from) / 1000
    }))
    listener(request, response)
  }
}
