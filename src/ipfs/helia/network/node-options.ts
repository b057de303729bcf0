import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { Reachability } from '../../../libp2p/reachability.ts'
import { limitDhtRecords, selectDhtRecord, validateDhtRecord } from '../names/dht-records.ts'

/** How the embedded node sits in the IPFS network. Addresses are multiaddresses as text. */
export interface HeliaNetworkInit {
  /** The libp2p protobuf of the node's private key. */
  privateKey: Uint8Array
  listen: readonly string[]
  /** In place of the addresses that the node finds itself; empty: its own. */
  announce: readonly string[]
  /** Dialled at start and whenever too few peers are connected. Empty: nobody is dialled by itself. */
  bootstrap: readonly string[]
  /** `auto`: a client that becomes a server while others can reach this node (AutoNAT). */
  dht: 'auto' | 'client' | 'server' | 'off'
  /** As identify tells it. */
  agentVersion: string
}

const loopback = /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/

/** True when nothing of this node can be reached from outside. */
export const isLoopbackOnly = (init: Pick<HeliaNetworkInit, 'listen'>): boolean => init.listen.every(address => loopback.test(address))

export interface Libp2pDeps { reachability: Reachability, clock: Pick<Clock, 'now'>, log: Logger }

/** Records of names that a server of the DHT keeps for others, in memory. */
const dhtRecords = { maxRecords: 10_000, maxBytes: 16 * 1024 * 1024 }

/**
 * The libp2p of the embedded node: TCP, noise and TLS, yamux, identify, ping, AutoNAT, relays and, unless `off`, the public DHT. Loads
 * libp2p's modules.
 */
export async function libp2pOptions (init: HeliaNetworkInit, deps: Libp2pDeps): Promise<Libp2pOptions> {
  const { reachability } = deps
  const [
    { tcp }, { noise }, { tlsOnDemand }, { yamux }, { identify, identifyPush }, { ping }, { privateKeyFromProtobuf }, { noiseCrypto },
    { writeCoalescing }, { MemoryDatastore }, dht
  ] = await Promise.all([
    import('@libp2p/tcp'), import('@libp2p/noise'), import('../../../libp2p/tls-on-demand.ts'), import('@libp2p/yamux'),
    import('@libp2p/identify'), import('@libp2p/ping'), import('@libp2p/crypto/keys'), import('../../../libp2p/noise-crypto.ts'),
    import('./write-coalescing.ts'), import('datastore-core/memory'), dhtService(init, deps)
  ])
  return {
    privateKey: privateKeyFromProtobuf(init.privateKey),
    datastore: limitDhtRecords(new MemoryDatastore(), dhtRecords, deps),
    nodeInfo: { userAgent: init.agentVersion },
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    transports: [tcp(), await reachability.transport()],
    connectionProtector: writeCoalescing,
    connectionEncrypters: [noise({ crypto: noiseCrypto() }), tlsOnDemand()],
    streamMuxers: [yamux()],
    // a cluster's peers often share an address (one NAT, one test machine); the default of 5 a second shuts some of them out
    connectionManager: { inboundConnectionThreshold: 100 },
    services: { identify: identify(), identifyPush: identifyPush(), ping: ping(), ...await reachability.services(), ...dht }
  }
}

/** Makes the node answer in the DHT, or only ask there. Does nothing without a DHT. */
export async function setDhtMode (libp2p: Libp2p<any>, mode: 'client' | 'server'): Promise<void> { // any: see dhtService
  await libp2p.services.dht?.setMode(mode)
}

async function dhtService (init: HeliaNetworkInit, { clock }: Libp2pDeps): Promise<Record<string, never>> {
  if (init.dht === 'off') return {}
  const { kadDHT, passthroughMapper, removePrivateAddressesMapper } = await import('@libp2p/kad-dht')
  const dht = kadDHT({
    protocol: '/ipfs/kad/1.0.0',
    clientMode: init.dht !== 'server',
    peerInfoMapper: isLoopbackOnly(init) ? passthroughMapper : removePrivateAddressesMapper,
    validators: { ipns: async (key, value) => validateDhtRecord(key, value, clock.now()) },
    selectors: { ipns: (_key, values) => selectDhtRecord(values) },
    // ours announces again in batches, from the root table
    reprovide: { interval: 2 ** 31 - 1 }
  })
  return { dht } as unknown as Record<string, never> // libp2p's service map can't be spelled for a service that is there or not
}
