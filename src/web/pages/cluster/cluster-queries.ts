import type { Alert, ClusterSync, ConnectGraph, Id, Metric, MetricHistory, PinsHealth, Readiness } from '../../../client/types.ts'
import { cluster } from '../../data/clients.ts'
import { useLiveQueries } from '../../data/live.ts'
import { useQuery } from '../../data/query.ts'
import type { Query } from '../../data/query.ts'

/** What operators' pages ask for; pages that ask for the same share it. All keys begin with `cluster/`. */

/** Loads again what is shown when peers come and go, or the pinset changes. */
export function useClusterNews (): void {
  useLiveQueries({ from: 'cluster', types: ['peer', 'alert'] }, 'cluster/', 500)
  useLiveQueries({ from: 'cluster', types: ['pin'] }, 'cluster/pins-health', 3000)
}

const oftenMs = 5000
const seldomMs = 15_000

/** `self`: the peer that answers. Peers that left are in the list. */
export interface PeersNow { self: string, peers: Id[] }

/** Who is in the cluster. */
export const usePeers = (): Query<PeersNow> => useQuery('cluster/peers', async signal => {
  const [{ id }, peers] = await Promise.all([cluster.id({ signal }), Array.fromAsync(cluster.peers({ missing: true, signal }))])
  return { self: id, peers }
}, { pollMs: oftenMs })

/** How many pins have too few copies, and what each peer says of its own. */
export const usePinsHealth = (): Query<PinsHealth> =>
  useQuery('cluster/pins-health', async signal => cluster.pinsHealth({ signal }), { pollMs: oftenMs })

/** Whether the peers have the same pinset. */
export const useSync = (): Query<ClusterSync> => useQuery('cluster/sync', async signal => cluster.sync({ signal }), { pollMs: seldomMs })

/** Whether the peer that answers is ready, and why not. */
export const useReadiness = (): Query<Readiness> =>
  useQuery('cluster/ready', async signal => cluster.readiness({ signal }), { pollMs: seldomMs })

/** Metrics that ran out. */
export const useAlerts = (): Query<Alert[]> =>
  useQuery('cluster/alerts', async signal => await cluster.alerts({ signal }) ?? [], { pollMs: seldomMs })

/** The latest values of the metrics that pages show. */
export const useMetrics = (): Query<Metric[]> => useQuery('cluster/metrics', async signal => {
  const names = (await cluster.metricNames({ signal }) ?? []).slice(0, 16)
  return (await Promise.all(names.map(async name => await cluster.metrics(name, { signal }) ?? []))).flat()
}, { pollMs: seldomMs })

/** Who is connected with whom. */
export const useGraph = (): Query<ConnectGraph> =>
  useQuery('cluster/graph', async signal => cluster.connectGraph({ signal }), { pollMs: seldomMs })

/** What metrics were in the last hour. */
export const useHistory = (): Query<MetricHistory> =>
  useQuery('cluster/history', async signal => cluster.metricHistory({ signal }), { pollMs: 30_000 })
