import type { Libp2p, Stream } from '@libp2p/interface'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PeerStream, PeerStreams } from '../network.ts'
import { dialFailure } from './dial-failure.ts'
import type { Libp2pClusterHost } from './host.ts'
import { LibP2pPeerStream } from './peer-stream.ts'

export interface StreamsDeps { host: Pick<Libp2pClusterHost, 'libp2p' | 'attach'>, log: Logger }

/** Go opens a stream per call. One peer may have this many at once; more are reset. */
const streamsPerPeer = { maxInboundStreams: 512, maxOutboundStreams: 4096, runOnLimitedConnection: true }

/** Streams on the cluster host. `handle` works before the host's start. */
export function libp2pStreams ({ host, log }: StreamsDeps): PeerStreams {
  const handlers = new Map<string, (stream: PeerStream) => void>()
  let running: Libp2p | undefined

  const register = async (libp2p: Libp2p, protocol: string): Promise<void> => {
    await libp2p.handle(protocol, (stream, connection) => {
      const handler = handlers.get(protocol)
      if (handler == null) stream.abort(new Error('nobody takes this protocol any more'))
      else handler(new LibP2pPeerStream(stream, connection.remotePeer.toString()))
    }, { ...streamsPerPeer, force: true })
  }

  host.attach(async libp2p => {
    running = libp2p
    await Promise.all([...handlers.keys()].map(async protocol => register(libp2p, protocol)))
  })

  return {
    open: async (peer, protocol, { signal } = {}) => {
      signal?.throwIfAborted()
      const stream = await openStream(host, { peer, protocol }, signal)
      return new LibP2pPeerStream(stream, peer)
    },
    handle: (protocol, handler) => {
      handlers.set(protocol, handler)
      if (running != null) register(running, protocol).catch(err => log.error('a protocol could not be registered', { protocol, err }))
      return () => {
        if (handlers.get(protocol) !== handler) return
        handlers.delete(protocol)
        if (running?.status === 'started') {
          running.unhandle(protocol).catch(err => log.debug('a protocol could not be unregistered', { protocol, err }))
        }
      }
    }
  }
}

async function openStream (
  host: Pick<Libp2pClusterHost, 'libp2p'>, { peer, protocol }: { peer: PeerId, protocol: string }, signal: AbortSignal | undefined
): Promise<Stream> {
  const { peerIdFromString } = await import('@libp2p/peer-id') // loading it would delay the first listener
  try {
    const options = {
      ...(signal == null ? {} : { signal }), runOnLimitedConnection: true, maxOutboundStreams: streamsPerPeer.maxOutboundStreams
    }
    return await host.libp2p().dialProtocol(peerIdFromString(peer), protocol, options)
  } catch (err) {
    signal?.throwIfAborted()
    const name = err instanceof Error ? err.name : ''
    if (name === 'UnsupportedProtocolError') {
      throw new ClusterError('UNSUPPORTED', { peer, protocol }, {
        message: `failed to negotiate protocol: protocols not supported: [${protocol}]`, cause: err
      })
    }
    const why = name === 'NoValidAddressesError' ? 'routing: not found' : dialFailure(peer, err)
    throw new ClusterError('PEER_UNREACHABLE', { peer }, { message: why, cause: err })
  }
}
