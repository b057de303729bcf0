import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/system.ts'
import { ClusterClient } from './client.ts'
import type { Auth } from './client.ts'
import { parseEndpoint } from './endpoint.ts'
import { failover } from './failover.ts'
import { nodeTransport } from './node-transport.ts'
import type { NodeTransportInit } from './node-transport.ts'

export { ApiError } from './errors.ts'
export { waitForStatus } from './wait.ts'

export interface NodeClientInit {
  /** Multiaddresses of REST APIs, tried in this order: /ip4/…/tcp/…, /dns4/…/tcp/…, /unix/…, and /…/p2p/… with `openStream`. */
  hosts?: readonly string[]
  auth?: Auth
  https?: boolean
  tls?: NonNullable<NodeTransportInit['tls']>
  /** How long one request may take, to the end of its answer. Default: for ever. */
  timeoutMs?: number
  clock?: Clock
  /** Opens a stream of HTTP over libp2p to an address with /p2p, which needs a libp2p host. */
  openStream? (address: string, signal: AbortSignal | undefined): Promise<Duplex>
}

/**
 * A client with all that Node has: errors in the middle of lists, unix sockets, TLS options, several peers. Throws INVALID_ARGUMENT for a
 * bad address.
 *
 * @example
 * ```ts
 * import { createNodeClient } from 'helia-cluster/client/node'
 *
 * // the second peer is asked when the first one doesn't answer
 * const client = createNodeClient({ hosts: ['/ip4/10.0.0.1/tcp/9094', '/unix/run/cluster.sock'], timeoutMs: 30_000 })
 * const { peer_map: peers } = await client.status('bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4')
 * console.log(Object.values(peers).map(({ peername, status }) => `${peername}: ${status}`))
 * ```
 */
export function createNodeClient (
  { hosts = ['/ip4/127.0.0.1/tcp/9094'], auth, timeoutMs = 0, clock = systemClock, ...rest }: NodeClientInit = {}
): ClusterClient {
  const transports = hosts.map(parseEndpoint).map(endpoint => nodeTransport({ ...rest, endpoint, timeout: { ms: timeoutMs, clock } }))
  return new ClusterClient({ transport: failover(transports), ...(auth == null ? {} : { auth }) })
}
