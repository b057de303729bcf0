import { embeddedNode } from '../../api/ipfs-proxy/embedded/embedded-node.ts'
import { ipfsProxy, type IpfsProxy } from '../../api/ipfs-proxy/ipfs-proxy.ts'
import { kuboNode } from '../../api/ipfs-proxy/kubo-node.ts'
import type { NodeApi } from '../../api/ipfs-proxy/node-api.ts'
import type { IpfsProxyConfig, ServiceConfig } from '../../config/service-config.ts'
import { canPublish } from '../../ipfs/name-publisher.ts'
import type { ApisInit, ApisDeps } from './compose-apis.ts'
import { accessLog } from './http-init.ts'
import { namedHash } from '../../hash/multihash.ts'

/** The proxy, with the node that answers what the cluster has no part in. */
export function composeProxy ({ folder, config }: ApisInit, section: IpfsProxyConfig, deps: ApisDeps): IpfsProxy {
  const log = deps.log.child('ipfsproxy')
  return ipfsProxy({
    listen: section.listenMultiaddress,
    timeouts: {
      readMs: section.readTimeoutMs, readHeaderMs: section.readHeaderTimeoutMs, writeMs: section.writeTimeoutMs,
      idleMs: section.idleTimeoutMs
    },
    maxHeaderBytes: section.maxHeaderBytes,
    logLine: accessLog(folder, section.logFile, deps.log.child('ipfsproxylog')),
    wrap: deps.observer.requests('ipfsproxy')
  }, { ...deps, tickBudget: deps.flow.tickBudget, node: nodeBehindProxy(config, section, { ...deps, log }), log })
}

function nodeBehindProxy (
  config: ServiceConfig, section: IpfsProxyConfig, { cluster, ipfs, importers, names, reader, flow, clock, log }: ApisDeps
): NodeApi {
  if (config.ipfs.kind === 'helia' && canPublish(names)) {
    return embeddedNode({ ipfs, names, cluster, reader, importCar: importers.car, hash: namedHash, flow, clock, log })
  }
  return kuboNode({
    address: section.nodeMultiaddress,
    isHttps: section.nodeHttps,
    extraHeaders: section.extractHeadersExtra,
    extractPath: section.extractHeadersPath,
    extractTtlMs: section.extractHeadersTtlMs
  }, { clock, log })
}
