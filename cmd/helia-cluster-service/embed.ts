/** What `import 'helia-cluster'` gives: a peer inside another program. */
import { silentLogger } from '../../src/base/log.ts'
import type { LogFacts, Logger } from '../../src/base/log.ts'
import type { Metric } from '../../src/model/metric.ts'
import { measured } from '../../src/node/extensions.ts'
import type { Allocator, Informer, MakeInformer } from '../../src/node/extensions.ts'
import { loadFolder } from '../../src/node/folder/folder.ts'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { fetchText } from './fetch-text.ts'
import { version } from './version.ts'

export { measured, version }
export type { Allocator, Informer, LogFacts, Logger, MakeInformer, Metric }

export interface PeerInit {
  /** A folder that `helia-cluster-service init` has made. */
  folder: string
  /** `CLUSTER_*` settings, as environment variables have them; none are read from the process. */
  variables?: Readonly<Record<string, string>>
  /** Multiaddresses (with /p2p) of peers to join. */
  bootstrap?: readonly string[]
  /** Default: says nothing. */
  log?: Logger
  /** Told by this peer beside what its configuration has it tell. Their metrics may stand in `allocate_by`. */
  informers?: readonly MakeInformer[]
  /** Decides who gets a pin that is pinned or added here, instead of the configured one. */
  allocator?: Allocator
  /** Gives up a start that is under way. */
  signal?: AbortSignal
}

/** A running peer. */
export interface Peer {
  readonly id: string
  /** Multiaddresses by "restapi", "pinsvcapi", "ipfsproxy", "gateway", "cluster". */
  readonly addresses: Readonly<Record<string, readonly string[]>>
  /** Orderly stop; idempotent. */
  stop (): Promise<void>
}

/**
 * Starts a peer in this process and resolves when it is ready. The folder is locked until `stop`. Rejects with a ClusterError (`code`),
 * with everything undone: INVALID_CONFIG and NOT_FOUND for what is wrong in the folder.
 *
 * @example
 * ```ts
 * import { startPeer } from 'helia-cluster'
 *
 * // the folder is one that `helia-cluster-service init` has made
 * const peer = await startPeer({ folder: '/var/lib/helia-cluster' })
 * console.log(peer.id, peer.addresses.restapi)
 * await peer.stop()
 * ```
 */
export async function startPeer (
  { folder, variables = {}, bootstrap = [], log = silentLogger, informers = [], allocator, signal = new AbortController().signal }: PeerInit
): Promise<Peer> {
  const lock = lockFolder(folder)
  try {
    const [{ startNode }, { config, identity, ipfsIdentity, fixedNames }] = await Promise.all([
      import('../../src/node/node.ts'), loadFolder(folder, { variables: { ...variables }, fetch: fetchText })
    ])
    const extensions = { informers, ...(allocator == null ? {} : { allocator }) }
    const node = await startNode({
      folder, config, identity, ipfsIdentity, fixedNames, log, bootstrap: [...bootstrap], version, signal, extensions
    })
    return {
      id: identity.id,
      addresses: node.addresses,
      stop: async () => {
        try {
          await node.stop()
        } finally {
          lock.release()
        }
      }
    }
  } catch (err) {
    lock.release()
    throw err
  }
}
