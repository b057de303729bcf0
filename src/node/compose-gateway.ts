import { gateway, type Gateway } from '../api/gateway/gateway.ts'
import type { GatewayConfig } from '../config/service-config.ts'
import type { FacesInit, ReadingDeps } from './compose-faces.ts'
import { accessLog, tlsOf } from './http-init.ts'

/** The gateway, in front of whichever IPFS node there is. Names and the denylist are looked up where `deps` has who does it. */
export function composeGateway ({ folder }: FacesInit, section: GatewayConfig, deps: ReadingDeps): Gateway {
  const { ipfs, denylist, names, flow, reader, clock, random } = deps
  const hosts = { localhost: { subdomains: true, inline_dnslink: true }, ...section.publicHosts }
  return gateway({
    listen: section.listenMultiaddress,
    tls: tlsOf(folder, section),
    timeouts: { readMs: 0, readHeaderMs: section.readHeaderTimeoutMs, writeMs: 0, idleMs: section.idleTimeoutMs },
    maxHeaderBytes: section.maxHeaderBytes,
    maxConnections: section.maxConnections,
    maxRequests: section.maxRequests,
    firstBlockMs: section.firstBlockTimeoutMs,
    blockMs: section.blockTimeoutMs,
    requestMs: section.requestTimeoutMs,
    logLine: accessLog(folder, section.httpLogFile, deps.log.child('gatewaylog')),
    wrap: deps.observer.requests('gateway'),
    headers: Object.entries(section.headers).flatMap(([name, values]) => values.map(value => [name, value] as const)),
    cors: { allowedOrigins: section.corsAllowedOrigins, allowedMethods: section.corsAllowedMethods, allowedHeaders: section.corsAllowedHeaders, exposedHeaders: section.corsExposedHeaders },
    hosts: new Map(Object.entries(hosts).map(([name, host]) => [name, { subdomains: host.subdomains, inlineDnslink: host.inline_dnslink }])),
    dnslinkHosts: section.dnslinkHosts,
    trustedProxies: section.trustedProxies,
    deserialized: section.deserialized,
    contentOnly: section.contentOnly,
    noFetch: section.noFetch
  }, { ipfs, names, reader, denylist, flow, clock, random, log: deps.log.child('gateway') })
}
