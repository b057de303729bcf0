import { serviceCapabilities } from '@libp2p/interface'
import type { ConnectionEncrypter } from '@libp2p/interface'
import type { TLSComponents } from '@libp2p/tls'

/**
 * libp2p's TLS, whose code (a third of all that a start would load, most of it ASN.1) is loaded by the first connection that asks for it:
 * nearly all take noise.
 */
export function tlsOnDemand (): (components: TLSComponents) => ConnectionEncrypter {
  return components => {
    let loading: Promise<ConnectionEncrypter> | undefined
    const loaded = async (): Promise<ConnectionEncrypter> => loading ??= import('@libp2p/tls').then(({ tls }) => tls()(components))
    const encrypter: ConnectionEncrypter & { [serviceCapabilities]: string[] } = {
      protocol: '/tls/1.0.0',
      [serviceCapabilities]: ['@libp2p/connection-encryption'],
      secureInbound: async (connection, options) => (await loaded()).secureInbound(connection, options),
      secureOutbound: async (connection, options) => (await loaded()).secureOutbound(connection, options)
    }
    return encrypter
  }
}
