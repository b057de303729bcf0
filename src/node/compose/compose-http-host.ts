import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { libp2pHttpHost, type HttpHost } from '../../network/host/http/http-host.ts'
import type { Apis } from './compose-apis.ts'
import { agentVersion } from './compose-ipfs.ts'
import type { NodeInit } from '../node-contract.ts'

export interface HttpHostsDeps { apis: Pick<Apis, 'restapi' | 'pinsvcapi'>, clock: Clock, log: Logger }

/** By API: its own libp2p host, when its section has all three of `libp2p_listen_multiaddress`, `id` and `private_key`. */
export interface HttpHosts { restapi: HttpHost | undefined, pinsvcapi: HttpHost | undefined }

/** The libp2p hosts that carry HTTP, by API. */
export function composeHttpHosts (
  { config, version }: Pick<NodeInit, 'config' | 'version'>, { apis, clock, log }: HttpHostsDeps
): HttpHosts {
  const hostOf = (api: 'restapi' | 'pinsvcapi'): HttpHost | undefined => {
    const section = config.api[api]
    const server: { accept (connection: Duplex): void } | undefined = apis[api]
    if (section?.privateKey == null || server == null || section.libp2pListenMultiaddress.length === 0) return undefined
    return libp2pHttpHost(
      {
        api, peer: section.id, privateKey: section.privateKey.reveal(), listen: section.libp2pListenMultiaddress,
        agentVersion: agentVersion(version)
      },
      { accept: connection => server.accept(connection), clock, log: log.child(api) }
    )
  }
  return { restapi: hostOf('restapi'), pinsvcapi: hostOf('pinsvcapi') }
}
