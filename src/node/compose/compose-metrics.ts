import type { Allocator } from '../../allocator/allocator.ts'
import { balancedAllocator } from '../../allocator/balanced/balanced-allocator.ts'
import type { Clock } from '../../base/clock.ts'
import type { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { PinsetDigests } from '../../consensus/pinset-digest.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import { diskInformer, type DiskMetricType } from '../../informer/disk/disk-informer.ts'
import type { Informer } from '../../informer/informer.ts'
import { pinsetInformer } from '../../informer/pinset/pinset-informer.ts'
import { pingInformer } from '../../informer/ping/ping-informer.ts'
import { pinqueueInformer } from '../../informer/pinqueue/pinqueue-informer.ts'
import { metricPublisher } from '../../informer/publisher/metric-publisher.ts'
import type { MetricPublisher } from '../../informer/publisher/metric-publisher.ts'
import { drainAwareInformer } from '../../informer/drain-aware-informer.ts'
import { tagsInformer } from '../../informer/tags/tags-informer.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { OperationChange, PinTracker } from '../../tracker/tracker.ts'
import type { MakeInformer } from '../extensions.ts'
import type { NodeInit } from '../node-contract.ts'

/** The allocator of the section `allocator`: balanced, by the metrics in `allocate_by`. */
export const allocatorOf = ({ allocator }: ServiceConfig): Allocator => balancedAllocator({ allocateBy: allocator.allocateBy })

/** `more`: those that the configuration doesn't know. */
export interface InformersInit { config: ServiceConfig, peerName: string, more: readonly MakeInformer[] }
export interface InformersDeps {
  ipfs: IpfsConnector
  tracker: PinTracker
  digests: PinsetDigests
  /** Peers from which this one moves everything away, and whether somebody does so with this one. */
  drains: { own: () => readonly PeerId[], isDrained: () => boolean }
  /** Peers that this one has removed lately. */
  removed: () => readonly PeerId[]
  clock: Clock
  log: Logger
}

/** What this peer tells of itself: always the ping and the digest of its pinset, the rest as configured. */
function informersOf (
  { config, peerName, more }: InformersInit, { ipfs, tracker, digests, drains, removed, clock, log }: InformersDeps
): { ping: Informer, informers: Informer[] } {
  const { disk, tags, pinqueue } = config.informers
  const informers = [
    pinsetInformer({ metricTtlMs: 2 * config.cluster.monitorPingIntervalMs }, { digests, clock }),
    disk == null
      ? undefined
      : diskInformer(
        { metricTtlMs: disk.metricTtlMs, metricType: disk.metricType as DiskMetricType }, { ipfs, clock, log: log.child('diskinfo') }
      ),
    tags == null ? undefined : tagsInformer(tags, { clock }),
    pinqueue == null ? undefined : pinqueueInformer(pinqueue, { tracker, clock }),
    ...more.map(make => make({ clock }))
  ]
  return {
    ping: pingInformer({ peerName, pingIntervalMs: config.cluster.monitorPingIntervalMs }, { ipfs, draining: drains.own, removed, clock }),
    informers: informers.filter(informer => informer != null).map(informer => drainAwareInformer(informer, drains.isDrained))
  }
}

export interface PublisherDeps {
  monitor: Monitor
  ipfs: IpfsConnector
  tracker: PinTracker & PublishAfterPinsDeps['tracker']
  consensus: { digests: PinsetDigests }
  cluster: Pick<Cluster, 'drainsOf' | 'isDraining' | 'removedPeers'>
  /** Of the service layer, where there is one. */
  service: Informer | undefined
  /** Each asks for what the informers say now. */
  announcements: Listeners<void>
  peerName: string
  workers: Workers
  clock: Clock
  log: Logger
}

/** Tells the other peers what the informers say: in intervals, when it is asked for, and after so many pins. */
export function composePublisher (
  { config, identity: { id: self }, extensions }: NodeInit,
  { monitor, tracker, consensus, cluster, service, announcements, peerName, workers, ...deps }: PublisherDeps
): MetricPublisher {
  const { ping, informers } = informersOf({ config, peerName, more: extensions?.informers ?? [] }, {
    ...deps, tracker, digests: consensus.digests, drains: { own: () => cluster.drainsOf(), isDrained: () => cluster.isDraining(self) },
    removed: () => cluster.removedPeers()
  })
  const publisher = metricPublisher({ self }, { monitor, workers, ping, informers: service == null ? informers : [...informers, service] })
  announcements.add(() => publisher.publishSoon())
  publishAfterPins({ every: config.ipfs.informerTriggerInterval }, { tracker, publisher })
  return publisher
}

export interface PublishAfterPinsDeps {
  tracker: { onOperation (listener: (change: OperationChange) => void): () => void }
  publisher: { publishSoon (): void }
}

const doneStatuses: ReadonlySet<OperationChange['status']> = new Set(['pinned', 'unpinned', 'remote'])

/**
 * Has the metrics published each time so many pins and unpins have succeeded, because free space and queue are then different. `every` 0:
 * never.
 */
export function publishAfterPins ({ every }: { every: number }, { tracker, publisher }: PublishAfterPinsDeps): void {
  if (every === 0) return
  let count = 0
  tracker.onOperation(({ status }) => { if (doneStatuses.has(status) && ++count % every === 0) publisher.publishSoon() })
}
