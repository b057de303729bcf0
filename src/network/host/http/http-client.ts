import type { Duplex } from 'node:stream'
import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '../../../base/clock.ts'
import { silentLogger } from '../../../base/log.ts'
import { streamDuplex } from '../../stream-duplex.ts'
import { LibP2pPeerStream } from '../peer-stream.ts'

/** One HTTP/1.1 exchange after the other on a stream, usually one. */
export const httpProtocol = '/libp2p-http'

export interface HttpClientInit {
  /** 64 hexadecimal digits of the network that the host is in; '' for one without a secret. */
  secret: string
}

export interface HttpClientDeps { clock: Clock }

/** Opens streams for HTTP requests to libp2p hosts. */
export interface HttpClient {
  /** `address`: a multiaddress with /p2p or /dnsaddr. Rejects with libp2p's error, or the signal's reason. */
  open (address: string, signal?: AbortSignal): Promise<Duplex>
  close (): Promise<void>
}

/** A libp2p host that only dials, with a key made for the moment. Its modules are loaded at the first `open`. */
export function libp2pHttpClient (init: HttpClientInit, { clock }: HttpClientDeps): HttpClient {
  let starting: Promise<Libp2p> | undefined
  return {
    open: async (address, signal) => {
      const [libp2p, { multiaddr }] = await Promise.all([starting ??= startLibp2p(init), import('@multiformats/multiaddr')])
      const options = signal == null ? {} : { signal }
      const connection = await libp2p.dial(multiaddr(address), options)
      const stream = await connection.newStream(httpProtocol, options)
      return streamDuplex(new LibP2pPeerStream(stream, connection.remotePeer.toString()), { clock })
    },
    close: async () => { await (await starting)?.stop() }
  }
}

async function startLibp2p ({ secret }: HttpClientInit): Promise<Libp2p> {
  const [{ createLibp2p }, { tcp }, { webSockets }, { noise }, { tlsOnDemand }, { yamux }, { clusterProtector }] = await Promise.all([
    import(
      'libp2p'
    ), import('@libp2p/tcp'), import('@libp2p/websockets'), import('@libp2p/noise'), import('../../../libp2p/tls-on-demand.ts'),
    import('@libp2p/yamux'),
    import('../secret/protector.ts')
  ])
  return createLibp2p({
    addresses: { listen: [] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise(), tlsOnDemand()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: async () => false },
    ...(secret === '' ? {} : { connectionProtector: clusterProtector(secret, { log: silentLogger }) })
  })
}
