import type { RestApi } from '../api/rest/rest-api.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { libp2pHttpHost, type HttpHost } from '../network/libp2p/http-host.ts'
import { agentVersion } from './compose-ipfs.ts'
import type { NodeInit } from './node-contract.ts'

export interface HttpHostDeps { restapi: RestApi | undefined, clock: Clock, log: Logger }

/** The REST API's own libp2p host, when its section has all three of `libp2p_listen_multiaddress`, `id` and `private_key`. */
export function composeHttpHost ({ config, version }: Pick<NodeInit, 'config' | 'version'>, { restapi, clock, log }: HttpHostDeps): HttpHost | undefined {
  const section = config.api.restapi
  if (section?.privateKey == null || restapi == null || section.libp2pListenMultiaddress.length === 0) return undefined
  return libp2pHttpHost(
    { peer: section.id, privateKey: section.privateKey.reveal(), listen: section.libp2pListenMultiaddress, agentVersion: agentVersion(version) },
    { accept: connection => restapi.accept(connection), clock, log: log.child('restapi') }
  )
}
