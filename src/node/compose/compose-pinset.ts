import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerRunner } from '../../base/worker.ts'
import { crdtConsensus, storedBlock, trustOf } from '../../consensus/crdt/crdt-consensus.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import { DigestKey } from '../../consensus/crdt/digest/digest-key.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { pubsubMonitor } from '../../monitor/pubsub/pubsub-monitor.ts'
import { decodeMetric, encodeMetric } from '../../wire/metric.ts'
import type { NodeInit } from '../node-contract.ts'
import type { Network, NetworkDeps } from './compose-network.ts'
import type { Stores } from './compose-stores.ts'

export interface PinsetDeps {
  stores: Stores
  networkOf: (deps: NetworkDeps) => Network
  workers: WorkerRunner
  clock: Clock
  log: Logger
}

/** What the peers of a cluster share. */
export interface ComposedPinset { network: Network, monitor: Monitor, consensus: CrdtConsensus }

/** The network to the other peers, what they say of themselves, and the pinset. */
export function composePinset (init: NodeInit, { stores, networkOf, workers, clock, log }: PinsetDeps): ComposedPinset {
  const crdt = crdtInit(init)
  const network = networkOf({ trusts: trustOf(crdt), storedBlock: cid => storedBlock(stores.pinset, cid), workers, clock, log })
  const { gossip, exchange, history } = network
  const monitor = pubsubMonitor({ self: crdt.self, checkIntervalMs: init.config.monitor.checkIntervalMs }, {
    broadcast: gossip, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log: log.child('monitor'), workers
  })
  const consensus = crdtConsensus(crdt, {
    datastore: stores.pinset, reserve: stores.reserve, broadcast: gossip, exchange, history, workers, clock, log: log.child('crdt'),
    onCommitted: cid => network.committed(cid)
  })
  return { network, monitor, consensus }
}

function crdtInit ({ config: { cluster, crdt }, identity }: NodeInit): Parameters<typeof crdtConsensus>[0] {
  return {
    self: identity.id,
    clusterName: crdt.clusterName,
    digestKey: new DigestKey(cluster.secret?.reveal()),
    trustedPeers: crdt.trustedPeers.includes('*') ? '*' : crdt.trustedPeers,
    rebroadcastIntervalMs: crdt.rebroadcastIntervalMs,
    repairIntervalMs: crdt.repairIntervalMs,
    batching: {
      maxBatchSize: crdt.batching.maxBatchSize, maxBatchAgeMs: crdt.batching.maxBatchAgeMs, maxQueueSize: crdt.batching.maxQueueSize
    }
  }
}
