import { ClusterError } from '../../src/base/errors.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import { createNodeClient } from '../../src/client/node.ts'
import type { FolderDeps } from '../../src/node/folder/folder.ts'
import type { DaemonDeps } from '../helia-cluster-service/daemon.ts'
import { fetchText } from '../helia-cluster-service/fetch-text.ts'
import type { Started } from '../helia-cluster-service/main.ts'
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

const askTimeoutMs = 5000

/** The process's own network. */
export function systemFollowDeps (terminal: Terminal, started?: Started): FollowDeps {
  return {
    terminal,
    fetch: fetchText,
    client: hosts => createNodeClient({ hosts }),
    isKuboOnline: async address => {
      try {
        const { host, port } = hostAndPort(address)
        const answer = await fetch(
          `http://${host.includes(':') ? `[${host}]` : host}:${port}/api/v0/id`,
          { method: 'POST', signal: AbortSignal.timeout(askTimeoutMs) }
        )
        return answer.ok
      } catch {
        return false
      }
    },
    daemon: async () => (await import('../helia-cluster-service/daemon.ts')).systemDaemonDeps(terminal, started)
  }
}

/** `/ip4/127.0.0.1/tcp/8080` → host and port. Throws INVALID_CONFIG for anything but an IP or DNS name with a TCP port. */
function hostAndPort (address: string): { host: string, port: number } {
  const [, kind, host, tcp, port] = address.split('/')
  if (!/^(ip[46]|dns[46]?)$/.test(kind ?? '') || tcp !== 'tcp' || host == null || !/^\d+$/.test(port ?? '')) {
    throw new ClusterError('INVALID_CONFIG', { address }, { message: `${address} is not a TCP address like /ip4/127.0.0.1/tcp/8080` })
  }
  return { host, port: Number(port) }
}
