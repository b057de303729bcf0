import type { Libp2p } from '@libp2p/interface'
import type { HostServices } from './host.ts'

/**
 * Go's dual DHT: the public one as a client until the host turns out to be publicly reachable, the local network's as a server. Addresses
 * of peer IDs are looked up in them. Values and providers aren't stored again by us.
 */
export async function dualDht (): Promise<HostServices> {
  const { kadDHT, passthroughMapper, removePrivateAddressesMapper } = await import('@libp2p/kad-dht')
  const reprovide = { interval: 2 ** 31 - 1 }
  return {
    wanDht: kadDHT({
      protocol: '/ipfs/kad/1.0.0', clientMode: true, peerInfoMapper: removePrivateAddressesMapper, logPrefix: 'libp2p:dht-wan',
      datastorePrefix: '/dht-wan', reprovide
    }),
    lanDht: kadDHT({
      protocol: '/ipfs/lan/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper, logPrefix: 'libp2p:dht-lan',
      datastorePrefix: '/dht-lan', reprovide
    })
  } as unknown as HostServices // libp2p's service map knows only its own components
}

/** Makes the host answer in the public DHT, or only ask there. Does nothing without a DHT. */
export async function setWanMode (libp2p: Libp2p<any>, mode: 'client' | 'server'): Promise<void> { // any: as in dualDht
  await libp2p.services.wanDht?.setMode(mode)
}
