import { bool, duration, field } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { float, multiaddr, text } from '../kinds.ts'
import { section } from '../section.ts'

const metricsFields = {
  enable_stats: bool(false, 'Serve metrics for Prometheus.'),
  prometheus_endpoint: field(multiaddr, '/ip4/127.0.0.1/tcp/8888', 'Where they are served.', { reading: 'literal' }),
  reporting_interval: duration('30s', 'How often they are computed.', { above: 0, inert: 'they are computed when they are asked for.' })
}
/** The values of `observations.metrics`. */
export type MetricsConfig = ValuesOf<typeof metricsFields>
/** Prometheus' text format on an address of its own. */
export const metricsSection = section({ path: 'observations.metrics', doc: 'Metrics of this process.', fields: metricsFields })

const tracingFields = {
  enable_tracing: bool(false, 'Send traces.'),
  jaeger_agent_endpoint: field(
    multiaddr, '/ip4/0.0.0.0/udp/6831', 'The host they are sent to, when `otlp_endpoint` is empty.',
    { reading: 'literal', testDefault: '/ip4/127.0.0.1/udp/6831' }
  ),
  sampling_prob: field(float({ atLeast: 0, atMost: 1 }), 0.3, 'Share of the requests that are traced.', { reading: 'literal' }),
  service_name: field(text, 'cluster-daemon', 'Name in the traces.'),
  otlp_endpoint: field(
    text, '', 'URL where they are sent by OTLP over HTTP; empty: port 4318 of the host in `jaeger_agent_endpoint`.', { omitDefault: true }
  )
}
/** The values of `observations.tracing`. */
export type TracingConfig = ValuesOf<typeof tracingFields>
/** Go sends to Jaeger, this peer to any collector of OpenTelemetry's. */
export const tracingSection = section({ path: 'observations.tracing', doc: 'Traces of requests.', fields: tracingFields })
