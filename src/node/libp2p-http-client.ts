import { Duplex } from 'node:stream'
import type { Libp2p, Stream } from '@libp2p/interface'
import { messageOf } from '../base/errors.ts'

export interface Libp2pHttpClientInit {
  /** 64 hexadecimal digits of a private network; '' for none. */
  secret: string
}

const protocol = '/libp2p-http'

/**
 * Opens streams for HTTP over libp2p (rest-api §1.4), one per request: for `openStream` of the client's Node transport. A libp2p host that listens
 * nowhere starts with the first stream, with an identity of its own; the process's end is its end.
 */
export function libp2pHttpOpener (init: Libp2pHttpClientInit): (address: string, signal?: AbortSignal) => Promise<Duplex> {
  let host: Promise<Libp2p> | undefined
  return async (address, signal) => {
    host ??= startHost(init)
    const { multiaddr } = await import('@multiformats/multiaddr')
    const stream = await (await host).dialProtocol(multiaddr(address), protocol, signal == null ? {} : { signal })
    return duplexOf(stream)
  }
}

async function startHost ({ secret }: Libp2pHttpClientInit): Promise<Libp2p> {
  const [{ createLibp2p }, { tcp }, { webSockets }, { noise }, { tls }, { yamux }] = await Promise.all([
    import('libp2p'), import('@libp2p/tcp'), import('@libp2p/websockets'), import('@libp2p/noise'), import('@libp2p/tls'), import('@libp2p/yamux')
  ])
  return await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise(), tls()],
    streamMuxers: [yamux()],
    ...(secret === '' ? {} : { connectionProtector: (await import('../network/libp2p/protector.ts')).clusterProtector(secret) })
  })
}

/** A libp2p stream as Node's HTTP client wants one: half-open, with back pressure both ways. */
export function duplexOf (stream: Stream): Duplex {
  const chunks = stream[Symbol.asyncIterator]()
  return new Duplex({
    read (): void {
      chunks.next().then(({ done, value }) => {
        this.push(done === true ? null : value instanceof Uint8Array ? value : value.subarray())
      }, err => this.destroy(new Error(messageOf(err), { cause: err })))
    },
    write (chunk: Uint8Array, _encoding, done): void {
      try {
        if (stream.send(chunk)) done()
        else stream.onDrain().then(() => done(), done)
      } catch (err) {
        done(err as Error)
      }
    },
    final (done): void { stream.close().then(() => done(), done) },
    destroy (err, done): void {
      if (err != null) stream.abort(err)
      done(err)
    }
  })
}
