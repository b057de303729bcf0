import type { Tracer } from '@opentelemetry/api'
import type { Startable } from '../base/lifecycle.ts'
import { ClusterError, messageOf } from '../base/errors.ts'
import type { Observer } from './observer.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import { overrideMethods } from './method-overrides.ts'
import { traceCalls } from './call-spans.ts'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { RequestListener } from 'node:http'

export interface TracingInit {
  /** Where OTLP over HTTP is taken: "http://127.0.0.1:4318/v1/traces". */
  endpoint: string
  /** Share of the traces that are sent, 0 to 1; what a caller's trace says goes first. */
  share: number
  /** Names in the traces: the service, and this peer's. */
  serviceName: string
  peer: string
  version: string
}

const tracingPackages = [
  '@opentelemetry/sdk-trace-node@2', '@opentelemetry/exporter-trace-otlp-http@0.223', '@opentelemetry/resources@2'
] as const

const clusterMethods = [
  'info', 'peers', 'addPeer', 'removePeer', 'pin', 'pinPath', 'unpin', 'unpinPath', 'allocations', 'status', 'statusAll', 'statusLines',
  'recover', 'recoverAll', 'progress', 'add', 'repoGc', 'connectGraph'
]
const ipfsMethods = ['pin', 'unpin', 'pinStatus', 'pinnedView', 'putBlocks', 'getBlock', 'resolve', 'repoStat', 'repoGc', 'connect']

/**
 * Traces requests and what they cause, and sends the spans by OTLP. OpenTelemetry's SDK is loaded here; it isn't part of the package.
 * Throws INVALID_CONFIG when it isn't installed. A collector that is away costs spans, nothing else.
 */
export async function openTelemetry (init: TracingInit): Promise<Observer> {
  const sdk = await startSdk(init)
  return tracingObserver(sdk)
}

/** A stop waits this long for a collector that is away. */
const exportTimeoutMs = 2000

interface Sdk { tracer: Tracer, shutdown (): Promise<void> }

/** Spans of whatever tracer; `shutdown` is called at the peer's stop. */
function tracingObserver ({ tracer, shutdown }: Sdk): Observer {
  const component: Startable = { name: 'tracing', start: async () => {}, stop: shutdown }
  return {
    ipfs: ipfs => tracedHolds(traceCalls(ipfs, { prefix: 'ipfs', methods: ipfsMethods }, tracer), tracer),
    cluster: cluster => traceCalls(cluster, { prefix: 'cluster', methods: clusterMethods }, tracer),
    requests: api => tracedRequests(api, tracer),
    answered: () => undefined,
    components: () => [component]
  }
}

/** An add gives its blocks to its hold, batch by batch. */
const tracedHolds = <T extends IpfsConnector>(ipfs: T, tracer: Tracer): T => overrideMethods(ipfs, (name, method) =>
  name === 'hold' ? (...args) => traceCalls(method(...args) as object, { prefix: 'ipfs.hold', methods: ['put'] }, tracer) : undefined)

async function startSdk ({ endpoint, share, serviceName, peer, version }: TracingInit): Promise<Sdk> {
  const [node, { OTLPTraceExporter }, { resourceFromAttributes }] = await loadSdk()
  const provider = new node.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.instance.id': peer, 'service.version': version }),
    sampler: new node.ParentBasedSampler({ root: new node.TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new node.BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint, timeoutMillis: exportTimeoutMs }))]
  })
  provider.register()
  return {
    tracer: provider.getTracer('helia-cluster', version),
    shutdown: async () => { await provider.shutdown().catch(() => {}) } // a collector that is away must not make the stop fail
  }
}

async function loadSdk (): Promise<[
  typeof import('@opentelemetry/sdk-trace-node'), typeof import('@opentelemetry/exporter-trace-otlp-http'),
  typeof import('@opentelemetry/resources')
]> {
  try {
    return await Promise.all(
      [import('@opentelemetry/sdk-trace-node'), import('@opentelemetry/exporter-trace-otlp-http'), import('@opentelemetry/resources')]
    )
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', {}, {
      message: `observations.tracing: OpenTelemetry's SDK can not be loaded (${messageOf(err)}); install it next to this program: npm install ${tracingPackages.join(' ')}`,
      cause: err
    })
  }
}

/**
 * The same listener; each request is a span that continues the caller's trace (`traceparent`). The query isn't told: it may have private
 * things in it.
 */
function tracedRequests (api: string, tracer: Tracer): (listener: RequestListener) => RequestListener {
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
