import { embeddedNode } from '../../src/api/ipfs-proxy/embedded/embedded-node.ts'
import type { IpfsProxy } from '../../src/api/ipfs-proxy/ipfs-proxy.ts'
import { ipfsProxy } from '../../src/api/ipfs-proxy/ipfs-proxy.ts'
import type { NodeApi } from '../../src/api/ipfs-proxy/node-api.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { BytesInFlight } from '../../src/http/answer/bytes-in-flight.ts'
import type { InjectReply, InjectRequest } from './inject.ts'
import { inject } from './inject.ts'
import { testReader } from './dag-reader.ts'
import type { IpfsConnector } from '../../src/ipfs/ipfs.ts'
import type { NamePublisher } from '../../src/ipfs/name-publisher.ts'
import type { NameResolver } from '../../src/ipfs/names.ts'
import { namedHash } from '../../src/hash/multihash.ts'
import { importCar } from './imports.ts'
import { FakeCluster } from './fake-cluster.ts'
import { FakeIpfs } from './fake-ipfs.ts'
import { makeNames } from './names.ts'

export interface ProxyPeer {
  cluster: FakeCluster
  ipfs: IpfsConnector
  api: IpfsProxy
  /** "pin/ls?arg=…" is a POST below /api/v0/; "GET /api/v0/pin/ls" is what it says. Through the whole stack, without a socket. */
  ask (request: string, more?: Omit<InjectRequest, 'path' | 'method'>): Promise<InjectReply>
}

export interface ProxyPeerInit {
  cluster?: FakeCluster
  ipfs?: IpfsConnector
  names?: NameResolver & NamePublisher
  node?: NodeApi
  flow?: BytesInFlight
  /** Nowhere by default. */
  listen?: readonly string[]
}

const usualFlow = (): BytesInFlight => new BytesInFlight({ maxBytes: 16 * 2 ** 20, stalledMs: 5000 }, { clock: systemClock })

/** The proxy over a fake cluster and a node in memory. */
export function proxyPeer (
  { cluster = new FakeCluster(), ipfs = fakeIpfs(), names = makeNames().names, node, flow = usualFlow(), listen = [] }: ProxyPeerInit = {}
): ProxyPeer {
  const behind = node ?? embeddedNode({
    ipfs, names, cluster, reader: testReader, importCar, hash: namedHash, flow, clock: systemClock, log: silentLogger
  })
  const api = ipfsProxy({
    listen, timeouts: { readMs: 0, readHeaderMs: 5000, writeMs: 0, idleMs: 60_000 }, maxHeaderBytes: 4096, logLine: null
  },
    { cluster, ipfs, node: behind, clock: systemClock, log: silentLogger })
  return {
    cluster,
    ipfs,
    api,
    ask: async (request, more = {}) => {
      const [, method = 'POST', path = `/api/v0/${request}`] = /^([A-Z]+) (.*)$/.exec(request) ?? []
      return inject(api, { method, path, ...more })
    }
  }
}

const fakeIpfs = (): IpfsConnector =>
  new FakeIpfs({ storageMaxBytes: 1e9, pinTimeoutMs: 1000, unpinDisable: false, elsewhere: 'nothing' }, { clock: systemClock })

/** Files as a multipart body. */
export function uploadOf (...files: Array<string | Uint8Array>): Omit<InjectRequest, 'path' | 'method'> {
  const parts = files.flatMap(
    file => [
      Buffer.from('--Xb\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\n'),
      Buffer.from(file as string), Buffer.from('\r\n')
    ]
  )
  return { headers: [['Content-Type', 'multipart/form-data; boundary=Xb']], body: Buffer.concat([...parts, Buffer.from('--Xb--\r\n')]) }
}

export const jsonOf = (reply: InjectReply): any => JSON.parse(reply.body.toString('utf8'))

export const jsonLinesOf = (reply: InjectReply): any[] =>
  reply.body.toString('utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line))
