import type { RequestListener } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { HttpServer } from '../http/server.ts'
import { measuredIpfs } from './measured-ipfs.ts'
import { measuredRequests } from './measured-requests.ts'
import type { MetricSources, Observer } from './observer.ts'
import { PeerMetrics } from './peer-metrics.ts'

export interface PrometheusInit {
  /** Multiaddr text: `/ip4/127.0.0.1/tcp/8888`, `/unix/…`. */
  endpoint: string
  version: string
}

export interface PrometheusDeps { clock: Clock, log: Logger }

/** Measures, and serves `GET /metrics` (for Prometheus) and `GET /debug/vars` (memory and background work, JSON). */
export function prometheusObserver ({ endpoint, version }: PrometheusInit, { clock, log }: PrometheusDeps): Observer {
  const metrics = new PeerMetrics({ version })
  return {
    ipfs: ipfs => measuredIpfs(ipfs, { meter: metrics, clock }),
    cluster: cluster => cluster,
    requests: api => measuredRequests(api, { seen: request => metrics.answered(request), clock }),
    answered: api => request => metrics.answered({ api, ...request }),
    components: sources => {
      metrics.watch(sources)
      const listener = metricsListener({ metrics, sources, log })
      return [new HttpServer({
        name: 'metrics', listen: [endpoint], tls: null, maxHeaderBytes: 4096, readTimeoutMs: 0, readHeaderTimeoutMs: 5000,
        writeTimeoutMs: 0, idleTimeoutMs: 120_000
      }, { listener, clock, log })]
    }
  }
}

interface Served { metrics: PeerMetrics, sources: MetricSources, log: Logger }

function metricsListener ({ metrics, sources, log }: Served): RequestListener {
  const pages: Record<string, () => Promise<{ type: string, body: string }>> = {
    '/metrics': async () => ({ type: metrics.registry.contentType, body: await metrics.text() }),
    '/debug/vars': async () => ({
      type: 'application/json', body: JSON.stringify({ memstats: process.memoryUsage(), workers: sources.workers() })
    })
  }
  return (request, response) => {
    const page = pages[(request.url ?? '').split('?')[0] ?? '']
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (page == null || !isRead) {
      response.writeHead(page == null ? 404 : 405, page == null ? {} : { Allow: 'GET, HEAD' }).end()
      return
    }
    page().then(
      ({ type, body }) => response.writeHead(200, { 'Content-Type': type }).end(request.method === 'HEAD' ? undefined : body)
    ).catch((err: unknown) => {
      log.error('the metrics can not be collected', { err })
      response.writeHead(500).end()
    })
  }
}
