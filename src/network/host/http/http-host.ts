import type { Duplex } from 'node:stream'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import type { Startable } from '../../../base/lifecycle.ts'
import type { Logger } from '../../../base/log.ts'
import type { MultiaddrText, PeerId } from '../../../model/cid.ts'
import { streamDuplex } from '../../stream-duplex.ts'
import { libp2pClusterHost } from '../host.ts'
import { httpProtocol } from './http-client.ts'
import { libp2pStreams } from '../streams.ts'

export interface HttpHostInit {
  /** The section of the configuration, for messages: "restapi". */
  api: string
  /** That of the private key. */
  peer: PeerId
  /** The libp2p protobuf of the key. */
  privateKey: Uint8Array
  listen: readonly MultiaddrText[]
  agentVersion: string
}

export interface HttpHostDeps {
  /** Takes each stream as a connection of a client. */
  accept (connection: Duplex): void
  clock: Clock
  log: Logger
}

/** A libp2p host that answers HTTP on its streams. */
export interface HttpHost extends Startable {
  /** Addresses with /p2p suffix; none while it isn't running. */
  addresses (): MultiaddrText[]
}

const limits = { maxConnections: 1024, dialTimeoutMs: 3000 }

/**
 * A libp2p host that offers an HTTP API and nothing else: plain HTTP/1.1 on streams of /libp2p-http (api/common). It has a key of its own
 * and no network secret, so it never meets the cluster host's peers. Throws INVALID_CONFIG when it can't listen.
 */
export function libp2pHttpHost (init: HttpHostInit, { accept, clock, log }: HttpHostDeps): HttpHost {
  const host = libp2pClusterHost({ ...init, ...limits, secret: '', announce: [], noAnnounce: [] }, { clock, log })
  const streams = libp2pStreams({ host, log })
  streams.handle(httpProtocol, stream => accept(streamDuplex(stream, { clock })))
  let isRunning = false
  return {
    name: `${init.api} over libp2p`,
    start: async signal => {
      try {
        await host.start(signal)
        isRunning = true
      } catch (err) {
        throw new ClusterError(
          'INVALID_CONFIG', { listen: init.listen.join(' ') },
          { message: `api.${init.api}.libp2p_listen_multiaddress: ${messageOf(err)}`, cause: err }
        )
      }
    },
    stop: async () => {
      isRunning = false
      await host.stop()
    },
    addresses: () => isRunning ? host.addresses() : []
  }
}
