import type { ClusterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { ServiceConfig } from '../config/service-config.ts'
import type { Extensions } from './extensions.ts'
import type { Identity } from './folder/identity.ts'

/** What a peer is made of. */
export interface NodeInit {
  /** Absolute path of the folder with service.json; it is locked by the caller for as long as the node runs. */
  folder: string
  config: ServiceConfig
  /** The cluster host. */
  identity: Identity
  /** The IPFS host of the embedded node. */
  ipfsIdentity: Identity
  /** Names under `/ipns/` whose target is fixed, by the variable IPFS_NS_MAP. Absent: none. */
  fixedNames?: ReadonlyMap<string, string>
  log: Logger
  /** Multiaddresses (with /p2p) of peers to join, beside those in the configuration and the peerstore. */
  bootstrap: string[]
  /** Version on the wire, "1.1.6+helia.0.1.0". */
  version: string
  /**
   * Aborts while the peer is told to stop before it is ready: `startNode` then undoes what it has begun and rejects with the signal's
   * reason.
   */
  signal: AbortSignal
  /** Absent: the peer is what its configuration says. */
  extensions?: Extensions
  /** Called when damage is found on the disk that only a new start can deal with. */
  damaged? (err: ClusterError): void
}

/** A peer that is ready. */
export interface RunningNode {
  /** What listens, by API: multiaddresses under "restapi", "pinsvcapi", "ipfsproxy", "gateway", "cluster", "ipfs". Real ports, never 0. */
  readonly addresses: Record<string, string[]>
  /** Orderly stop; idempotent. Rejects when something could not be stopped cleanly. */
  stop (): Promise<void>
  /** Rejects when the peer can't go on (a listener or the disk is lost); never resolves. */
  failed: Promise<never>
}

/** Resolves when the peer is ready; rejects, with everything stopped again, when it can't become so. */
export type StartNode = (init: NodeInit) => Promise<RunningNode>
