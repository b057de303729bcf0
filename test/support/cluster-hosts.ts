import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLogger } from '../../src/base/log.ts'
import type { Logger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { libp2pClusterHost } from '../../src/network/host/host.ts'
import type { ClusterHostInit, HostServices, Libp2pClusterHost } from '../../src/network/host/host.ts'
import { patience, pollUntil } from './poll.ts'

export interface HostParts {
  services?: () => Promise<HostServices>
  log?: Logger
  /** Before the start. */
  prepare?: (host: Libp2pClusterHost) => void | Promise<void>
}

/** A real cluster host on loopback with a key of its own; not started. */
export async function newHost (
  init: Partial<ClusterHostInit> = {}, { services, log = silentLogger }: Pick<HostParts, 'services' | 'log'> = {}
): Promise<Libp2pClusterHost> {
  const key = await generateKeyPair('Ed25519')
  return libp2pClusterHost({
    peer: peerIdFromPrivateKey(key).toString(),
    privateKey: privateKeyToProtobuf(key),
    secret: 'c0ffee'.padEnd(64, '0'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    noAnnounce: [],
    agentVersion: 'helia-cluster/0.0.0-test',
    maxConnections: 100,
    dialTimeoutMs: Math.round(3000 * patience()),
    ...init
  }, { clock: systemClock, log }, services)
}

/** Connects one host to another and waits until both know of it. */
export async function connectHosts (one: Libp2pClusterHost, two: Libp2pClusterHost): Promise<void> {
  await one.libp2p().dial(multiaddr(two.addresses()[0] ?? ''))
  await pollUntil(() => two.connectedPeers().includes(one.peer), { everyMs: 1 })
}
