import type { ClusterConfig } from './sections/cluster.ts'
import type { CrdtConfig } from './sections/consensus.ts'
import type { LevelConfig } from './sections/datastore.ts'
import type { GatewayConfig } from './sections/gateway.ts'
import type { HttpApiConfig } from './sections/http-api.ts'
import type { HeliaConfig, IpfsHttpConfig } from './sections/ipfs-connector.ts'
import type { IpfsProxyConfig } from './sections/ipfsproxy.ts'
import type { MetricsConfig, TracingConfig } from './sections/observations.ts'
import type { ServiceApiConfig } from './sections/service.ts'
import type { WebhooksConfig } from './sections/webhooks.ts'
import type { BalancedConfig, DiskConfig, PinqueueConfig, PubsubmonConfig, StatelessConfig, TagsConfig } from './sections/pinning.ts'
import type { WebuiConfig } from './sections/webui.ts'

export type {
  BalancedConfig, ClusterConfig, CrdtConfig, DiskConfig, GatewayConfig, HeliaConfig, HttpApiConfig, IpfsHttpConfig, IpfsProxyConfig,
  LevelConfig
}
export type {
  MetricsConfig, PinqueueConfig, PubsubmonConfig, ServiceApiConfig, StatelessConfig, TagsConfig, TracingConfig, WebhooksConfig, WebuiConfig
}

/**
 * All settings of a peer, checked and complete. Durations are milliseconds (`…Ms`), human sizes bytes (`…Bytes`), multiaddresses and peer
 * IDs texts, secrets `Secret`s. Names are the keys of service.json in camel case. An API or informer that is not in the file is null: it
 * isn't started.
 */
export interface ServiceConfig {
  readonly cluster: ClusterConfig
  readonly crdt: CrdtConfig
  readonly api: {
    readonly restapi: HttpApiConfig | null
    readonly pinsvcapi: HttpApiConfig | null
    readonly ipfsproxy: IpfsProxyConfig | null
    readonly gateway: GatewayConfig | null
    readonly service: ServiceApiConfig | null
    readonly webui: WebuiConfig | null
    readonly webhooks: WebhooksConfig | null
  }
  /** The embedded node, or an external Kubo. */
  readonly ipfs: { readonly kind: 'helia' } & HeliaConfig | { readonly kind: 'ipfshttp' } & IpfsHttpConfig
  readonly tracker: StatelessConfig
  readonly monitor: PubsubmonConfig
  readonly allocator: BalancedConfig
  readonly informers: {
    readonly disk: DiskConfig | null
    readonly tags: TagsConfig | null
    readonly pinqueue: PinqueueConfig | null
  }
  readonly metrics: MetricsConfig
  readonly tracing: TracingConfig
  readonly datastore: LevelConfig
  /**
   * Not in the file. `closed`: RPC methods, as Go names them, that this peer refuses to all others, whatever its policy says. Absent: none.
   */
  readonly rpc?: { readonly closed: readonly string[] }
}
