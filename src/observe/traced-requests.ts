import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Tracer } from '@opentelemetry/api'
import type { RequestListener } from 'node:http'

/**
 * The same listener; each request is a span that continues the caller's trace (`traceparent`). The query isn't told: it may have private
 * things in it.
 */
export function tracedRequests (api: string, tracer: Tracer): (listener: RequestListener) => RequestListener {
  return listener => (request, response) => {
    const method = request.method ?? ''
    const path = (request.url ?? '').split('?')[0] ?? ''
    const span = tracer.startSpan(`${method} ${generalPath(path)}`, {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'url.path': path.slice(0, 256), 'cluster.api': api }
    }, propagation.extract(context.active(), request.headers))
    response.once('close', () => {
      span.setAttribute('http.response.status_code', response.statusCode)
      if (response.statusCode >= 500 || !response.writableFinished) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    context.with(trace.setSpan(context.active(), span), () => listener(request, response))
  }
}

/** "/pins/bafy…/recover" → "/pins": names of spans are few. */
const generalPath = (path: string): string => /^\/[a-z]{1,20}(?=\/|$)/.exec(path)?.[0] ?? '/'
