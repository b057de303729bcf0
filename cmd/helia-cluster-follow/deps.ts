import type { ClusterClient } from '../../src/client/client.ts'
import type { FolderDeps } from '../../src/node/folder.ts'
import type { DaemonDeps } from '../helia-cluster-service/daemon.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'

/** What a follower's commands may do with the outside. */
export interface FollowDeps {
  terminal: Terminal
  fetch: FolderDeps['fetch']
  /** The REST API of a running follower, by its multiaddresses. */
  client (addresses: readonly string[]): Pick<ClusterClient, 'id' | 'statuses'>
  /** Whether a Kubo answers at this multiaddress. */
  isKuboOnline (address: string): Promise<boolean>
  /** Made when the follower is to run. */
  daemon (): Promise<DaemonDeps>
}
