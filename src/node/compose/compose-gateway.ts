import type { RequestListener } from 'node:http'
import { gateway, gatewayListener } from '../../api/gateway/gateway.ts'
import type { Gateway, GatewayDeps, GatewayInit } from '../../api/gateway/gateway.ts'
import type { GatewayConfig } from '../../config/service-config.ts'
import type { ApisInit, ApisDeps } from './compose-apis.ts'
import { threadedGateway } from '../gateway-threads/threaded-gateway.ts'
import { headerList } from '../../http/answer/reply.ts'
import { accessLog, tlsOf } from './http-init.ts'

/** The gateway, in front of whichever IPFS node there is. Names and the denylist are looked up where `deps` has who does it. */
export function composeGateway ({ folder }: ApisInit, section: GatewayConfig, deps: ApisDeps): Gateway {
  const init = gatewayInit(folder, section, deps)
  const { serving, blocks } = deps
  if (serving == null || blocks == null) return gateway(init, gatewayDeps(deps))
  return threadedGateway(
    { folder, gateway: init, serving, memoryMaxBytes: section.memoryMaxBytes }, { ...deps, blocks, gateway: gatewayDeps(deps) }
  )
}

function gatewayInit (folder: string, section: GatewayConfig, deps: ApisDeps): GatewayInit {
  const hosts = { localhost: { subdomains: true, inline_dnslink: true }, ...section.publicHosts }
  return {
    ...contentInit(section),
    listen: section.listenMultiaddress,
    tls: tlsOf(folder, section),
    timeouts: { readMs: 0, readHeaderMs: section.readHeaderTimeoutMs, writeMs: 0, idleMs: section.idleTimeoutMs },
    maxHeaderBytes: section.maxHeaderBytes,
    maxConnections: section.maxConnections,
    logLine: accessLog(folder, section.httpLogFile, deps.log.child('gatewaylog')),
    wrap: deps.observer.requests('gateway'),
    hosts: new Map(
      Object.entries(hosts).map(([name, host]) => [name, { subdomains: host.subdomains, inlineDnslink: host.inline_dnslink }])
    ),
    dnslinkHosts: section.dnslinkHosts
  }
}

/** The same content on a listener that has more than that: below its paths only, and kept apart from what else lives on its origin. */
export const composeContent = (
  section: GatewayConfig, deps: Omit<ApisDeps, 'cluster' | 'consensus' | 'observer' | 'workers' | 'serving' | 'blocks'>
): RequestListener =>
  gatewayListener({ ...contentInit(section), logLine: null, hosts: new Map(), dnslinkHosts: false, contentOnly: false }, gatewayDeps(deps))

const contentInit = (section: GatewayConfig) => ({
  maxRequests: section.maxRequests,
  firstBlockMs: section.firstBlockTimeoutMs,
  blockMs: section.blockTimeoutMs,
  requestMs: section.requestTimeoutMs,
  headers: headerList(section.headers),
  cors: {
    allowedOrigins: section.corsAllowedOrigins,
    allowedMethods: section.corsAllowedMethods,
    allowedHeaders: section.corsAllowedHeaders,
    exposedHeaders: section.corsExposedHeaders
  },
  trustedProxies: section.trustedProxies,
  deserialized: section.deserialized,
  contentOnly: section.contentOnly,
  noFetch: section.noFetch
})

type GatewayParts = Pick<ApisDeps, 'ipfs' | 'names' | 'reader' | 'denylist' | 'flow' | 'pendingImport' | 'clock' | 'random' | 'log'>

const gatewayDeps = ({ ipfs, names, reader, denylist, flow, pendingImport, clock, random, log }: GatewayParts): GatewayDeps =>
  ({ ipfs, names, reader, denylist, flow, pendingImport, clock, random, log: log.child('gateway') })
