import type { Watching } from '../../api/rest/rest-api.ts'
import type { Clock, Random } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ServiceConfig, WebhooksConfig } from '../../config/service-config.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import { ClusterEvents } from '../../events/cluster-events.ts'
import type { RecentWarnings } from '../../events/warnings.ts'
import type { ConfiguredWebhooks } from '../../events/webhooks/configured-webhooks.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { RemoteStatuses } from '../../network/remote-statuses.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'

export interface EventsDeps {
  consensus: Consensus
  tracker: Pick<StatelessTracker, 'onOperation'>
  monitor: Monitor
  statuses: RemoteStatuses
  remotes: RemotePeers
  warnings: RecentWarnings
  workers: Workers
  clock: Clock
  random: Random
  log: Logger
}

/** What happens in the cluster, and who is told. */
export interface ComposedEvents {
  events: ClusterEvents
  watching: Watching
  /** Behind the monitor and the tracker. */
  components: Startable[]
}

/** The log of events with those who follow it: streams, and webhooks where they are configured. */
export function composeEvents ({ self, config }: { self: PeerId, config: ServiceConfig }, deps: EventsDeps): ComposedEvents {
  const { statuses, remotes, log } = deps
  // a follower asks nobody
  const elsewhere = config.cluster.followerMode ? undefined : { statuses, remotes, log: log.child('events') }
  const events = new ClusterEvents({ self, peersetMetric: config.crdt.peersetMetric }, { ...deps, elsewhere })
  const section = config.api.webhooks
  const webhooks = section == null || section.urls.length === 0 ? undefined : configured(section, { ...deps, events })
  return {
    events,
    watching: { feed: events, warnings: deps.warnings, webhooks: webhooks?.watched },
    components: [events, ...(webhooks == null ? [] : [webhooks.component])]
  }
}

/** Its code is loaded when it is to start. */
function configured (
  section: WebhooksConfig, { events, clock, log }: EventsDeps & { events: ClusterEvents }
): { component: Startable, watched: NonNullable<Watching['webhooks']> } {
  let running: ConfiguredWebhooks | undefined
  const started = async (): Promise<ConfiguredWebhooks> => {
    const { ConfiguredWebhooks: Configured } = await import('../../events/webhooks/configured-webhooks.ts')
    const { httpDelivery } = await import('../../events/webhooks/http-delivery.ts')
    const deliver = httpDelivery({ privateAllowed: section.allowPrivate }, { clock })
    return new Configured(
      { urls: section.urls, secret: section.secret?.reveal() ?? '', types: section.events },
      { feed: events, deliver, clock, log: log.child('webhooks') }
    )
  }
  return {
    component: {
      name: 'webhooks',
      start: async () => {
        running = await started()
        await running.start()
      },
      stop: async () => running?.stop()
    },
    watched: {
      list: () => running?.list() ?? [],
      test: async (id, options) => (running ?? await started()).test(id, options)
    }
  }
}
