import { createNodeClient } from '../../src/client/node.ts'
import { hostAndPort } from '../../src/node/tcp-address.ts'
import { fetchText } from '../helia-cluster-service/fetch-text.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'
import type { FollowDeps } from './deps.ts'

const askTimeoutMs = 5000

/** The process's own network. */
export function systemFollowDeps (terminal: Terminal): FollowDeps {
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
    daemon: async () => (await import('../helia-cluster-service/daemon.ts')).systemDaemonDeps(terminal)
  }
}
