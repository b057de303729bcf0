import { defaultServiceJson } from '../../src/config/default-json.ts'
import type { ServiceConfig } from '../../src/config/service-config.ts'
import { readServiceConfig } from '../../src/config/service-json.ts'
import { queuesOf } from './queues.ts'
import type { PeerSettings, SimSettings } from './settings.ts'

const minutesMs = 60_000
const file = defaultServiceJson({ profile: 'test', variables: { CLUSTER_SECRET: '00'.repeat(32) } })
const read = (more: object): ServiceConfig => readServiceConfig({ ...file, ...more }, { variables: {}, hostName: 'simulated' }).config
const usual = read({ ipfs_connector: { ipfshttp: { node_multiaddress: '/ip4/127.0.0.1/tcp/5001' } } })
const withOwnNode = read({})

/**
 * The service.json of a simulated peer: what `init` writes, with the world's settings. Only the REST API is there, without a port; the
 * IPFS node is somebody else's.
 */
export function configOf (settings: PeerSettings, world: SimSettings): ServiceConfig {
  const { pingIntervalMs } = world
  return {
    ...usual,
    cluster: {
      ...usual.cluster,
      peername: settings.name,
      followerMode: settings.followerMode,
      replicationFactorMin: world.replicationFactorMin,
      replicationFactorMax: world.replicationFactorMax,
      disableRepinning: world.disableRepinning,
      stateSyncIntervalMs: world.stateSyncIntervalMs,
      pinRecoverIntervalMs: world.recoverIntervalMs,
      monitorPingIntervalMs: pingIntervalMs,
      pinOnlyOnTrustedPeers: world.pinOnlyOnTrustedPeers,
      denylists: []
    },
    crdt: {
      ...usual.crdt,
      clusterName: 'sim',
      trustedPeers: settings.trustedPeers === '*' ? ['*'] : [...settings.trustedPeers],
      rebroadcastIntervalMs: world.rebroadcastIntervalMs,
      repairIntervalMs: world.repairIntervalMs,
      batching: settings.batching
    },
    api: { restapi: usual.api.restapi == null ? null : { ...usual.api.restapi, httpListenMultiaddress: [] },
      pinsvcapi: null, ipfsproxy: null, gateway: null, service: null, webui: null, webhooks: null },
    ipfs: { ...(world.collections > 0 ? withOwnNode : usual).ipfs, connectSwarmsDelayMs: 0, informerTriggerInterval: 0 },
    tracker: {
      maxPinQueueSize: 1000, concurrentPins: 3, priorityPinMaxAgeMs: 60 * minutesMs, priorityPinMaxRetries: 2, ...queuesOf(world.seed)
    },
    monitor: { checkIntervalMs: pingIntervalMs },
    allocator: { allocateBy: [...world.allocateBy] },
    informers: {
      disk: { metricTtlMs: 2 * pingIntervalMs, metricType: 'freespace' },
      tags: { metricTtlMs: 2 * pingIntervalMs, tags: { group: settings.group } },
      pinqueue: null
    }
  }
}
