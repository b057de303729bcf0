import type { Blockstore } from '../../blockstore/blockstore.ts'
import type { Startable } from '../../base/lifecycle.ts'
import { systemClock } from '../../base/system.ts'
import type { WorkerRunner } from '../../base/worker.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { TracingConfig } from '../../config/service-config.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { DenyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { Libp2pGossip } from '../../network/host/gossip/gossip.ts'
import type { ClusterHost } from '../../network/network.ts'
import { noOpObserver, both, type MetricSources, type Observer } from '../../observe/observer.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import type { NodeInit } from '../node-contract.ts'

/**
 * The instruments that `observations` asks for: metrics, traces, both or nobody. Their libraries are loaded only then. Throws
 * INVALID_CONFIG when OpenTelemetry's SDK is asked for and not installed.
 */
export async function loadObserver ({ config, identity, version, log }: NodeInit): Promise<Observer> {
  const { metrics, tracing } = config
  const measure = metrics.enableStats
    ? (await import('../../observe/prometheus-observer.ts')).prometheusObserver(
      { endpoint: metrics.prometheusEndpoint, version }, { clock: systemClock, log: log.child('metrics') }
    )
    : noOpObserver
  const trace = tracing.enableTracing
    ? await (await import('../../observe/open-telemetry.ts')).openTelemetry({
      endpoint: otlpEndpoint(tracing),
      share: tracing.samplingProb,
      serviceName: tracing.serviceName,
      peer: identity.id,
      version
    })
    : noOpObserver
  return both(trace, measure)
}

/** Jaeger takes OTLP on port 4318 nowadays; the agent with its UDP port is gone. */
export function otlpEndpoint ({ otlpEndpoint, jaegerAgentEndpoint }: Pick<TracingConfig, 'otlpEndpoint' | 'jaegerAgentEndpoint'>): string {
  if (otlpEndpoint !== '') return otlpEndpoint
  const [, kind, host = ''] = /^\/(ip4|ip6|dns[46]?)\/([^/]+)/.exec(jaegerAgentEndpoint) ?? []
  const name = host === '0.0.0.0' || host === '::' || host === '' ? '127.0.0.1' : kind === 'ip6' ? `[${host}]` : host
  return `http://${name}:4318/v1/traces`
}

/** What metrics are read from, when somebody asks. */
export interface Observed {
  /** Of the embedded IPFS node. */
  blocks: Blockstore | undefined
  consensus: Consensus
  ipfs: IpfsConnector
  denylist: Pick<DenyFiles, 'lists'>
  tracker: StatelessTracker
  monitor: Monitor
  host: ClusterHost
  gossip: Pick<Libp2pGossip, 'health'>
  cluster: Cluster
  workers: WorkerRunner
  /** Of the service layer, where there is one. */
  service?: MetricSources['service'] | undefined
  /** The name of the metric that makes a peer a member. */
  peersetMetric: string
}

/** The observer's own components, told where to look. */
export function observedBy (
  observer: Observer,
  { blocks, consensus, ipfs, denylist, tracker, monitor, host, gossip, cluster, workers, service, peersetMetric }: Observed
): Startable[] {
  return observer.components({
    ...(service == null ? {} : { service }),
    pins: () => consensus.state.size(),
    underReplicated: () => cluster.underReplicated(),
    drains: () => cluster.drains(),
    ipfsPins: () => ipfs.pinCount(),
    heldAdds: () => ipfs.holdCount(),
    denylists: () => denylist.lists(),
    operations: () => tracker.operations(),
    audits: () => cluster.auditCounts(),
    queueWaitMs: () => tracker.queueWaitMs(),
    pinQueues: () => tracker.pinQueues(),
    operationCounts: () => ({ ...tracker.counts() }),
    lostBlocks: () => blocks?.lostBlocks?.() ?? 0,
    crdt: () => {
      const { heads, height, dirty, behind, damaged = false } = consensus.progress()
      return { heads: heads.length, height, dirty, behind, damaged }
    },
    workers: () => workers.statuses(),
    bandwidth: () => host.bandwidth(),
    members: () => monitor.latest(peersetMetric).length,
    pinsets: () => {
      const counts: Record<string, number> = { in_sync: 0, ahead: 0, behind: 0, differs: 0, out_of_sync: 0, unknown: 0 }
      for (const { state } of cluster.sync().peers) counts[state] = (counts[state] ?? 0) + 1
      return counts
    },
    connectedPeers: () => host.connectedPeers().length,
    gossip: () => gossip.health(),
    alerts: () => cluster.alerts().length,
    diskWeight: () => (monitor.latestOf('freespace', cluster.peer) ?? monitor.latestOf('reposize', cluster.peer))?.weight
  })
}
