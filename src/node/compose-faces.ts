import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gateway, type Gateway } from '../api/gateway/gateway.ts'
import { ipfsProxy, type IpfsProxy } from '../api/ipfs-proxy/ipfs-proxy.ts'
import { embeddedNode } from '../api/ipfs-proxy/embedded/embedded-node.ts'
import { kuboNode } from '../api/ipfs-proxy/kubo-node.ts'
import type { NodeApi } from '../api/ipfs-proxy/node-api.ts'
import { pinningApi, type PinningApi } from '../api/pinning/pinning-api.ts'
import { restApi, type RestApi } from '../api/rest/rest-api.ts'
import type { Clock, Random } from '../base/clock.ts'
import { ClusterError, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Workers } from '../base/worker.ts'
import type { ClusterApi } from '../cluster/cluster-api.ts'
import type { GatewayConfig, HttpApiConfig, IpfsProxyConfig, ServiceConfig } from '../config/service-config.ts'
import type { Consensus } from '../consensus/consensus.ts'
import { BytesInFlight } from '../http/bytes-in-flight.ts'
import type { HttpFaceInit } from '../http/face.ts'
import { importCar } from '../importer/car-importer.ts'
import type { Denylist } from '../ipfs/denylist.ts'
import { dagReader } from '../ipfs/helia/dag-reader.ts'
import type { DagReader } from '../ipfs/dag-reader.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import { canPublish } from '../ipfs/name-publisher.ts'
import type { NameResolver } from '../ipfs/names.ts'
import type { Observer } from '../observe/observer.ts'
import { sqlitePinIndex } from '../pinindex/sqlite/sqlite-pin-index.ts'
import { accessLogFile } from './access-log.ts'
import { namedHash } from './named-hash.ts'
import { resolveIn, statePath } from './folder.ts'
import { walkFolder } from './leftovers.ts'
import { pinIndexFile } from './state-store.ts'

export interface FacesInit { folder: string, config: ServiceConfig }
export interface FacesDeps { cluster: ClusterApi, ipfs: IpfsConnector, denylist: Denylist, names: NameResolver, consensus: Consensus, workers: Workers, observer: Observer, clock: Clock, random: Random, log: Logger }

interface ReadingDeps extends FacesDeps { reader: DagReader, flow: BytesInFlight }

/** The APIs that the configuration asks for; a section that isn't there starts nothing. */
export interface Faces { restapi: RestApi | undefined, pinsvcapi: PinningApi | undefined, ipfsproxy: IpfsProxy | undefined, gateway: Gateway | undefined }

export function composeFaces (init: FacesInit, deps: FacesDeps): Faces {
  const { folder, config: { api: { restapi, pinsvcapi, ipfsproxy, gateway } } } = init
  const { cluster, clock, log } = deps
  const flow = new BytesInFlight({ maxBytes: gateway?.memoryMaxBytes ?? usualBytesInFlight, stalledMs: 5000 }, { clock })
  // not in the folder of the block store, which an external node has no need of
  const reader = dagReader({ folder: join(folder, walkFolder) }, deps)
  return {
    restapi: restapi == null ? undefined : restApi({ ...httpInit(folder, restapi, log.child('restapilog')), wrap: deps.observer.requests('restapi') }, { cluster, clock, log: log.child('restapi') }),
    pinsvcapi: pinsvcapi == null ? undefined : composePinning(init, pinsvcapi, deps),
    ipfsproxy: ipfsproxy == null ? undefined : composeProxy(init, ipfsproxy, { ...deps, flow, reader }),
    gateway: gateway == null ? undefined : composeGateway(init, gateway, { ...deps, flow, reader })
  }
}

const usualBytesInFlight = 64 * 2 ** 20

/** The pinning service with its index in the state folder. */
function composePinning ({ folder, config }: FacesInit, section: HttpApiConfig, deps: FacesDeps): PinningApi {
  const log = deps.log.child('pinsvcapi')
  const index = sqlitePinIndex({ file: pinIndexFile(statePath(folder, config)) }, { log })
  return pinningApi({ ...httpInit(folder, section, deps.log.child('pinsvcapilog')), wrap: deps.observer.requests('pinsvcapi') }, { ...deps, index, log })
}

/** The proxy, with the node that answers what the cluster has no part in. */
function composeProxy ({ folder, config }: FacesInit, section: IpfsProxyConfig, deps: ReadingDeps): IpfsProxy {
  const log = deps.log.child('ipfsproxy')
  return ipfsProxy({
    listen: section.listenMultiaddress,
    timeouts: { readMs: section.readTimeoutMs, readHeaderMs: section.readHeaderTimeoutMs, writeMs: section.writeTimeoutMs, idleMs: section.idleTimeoutMs },
    maxHeaderBytes: section.maxHeaderBytes,
    logLine: accessLog(folder, section.logFile, deps.log.child('ipfsproxylog')),
    wrap: deps.observer.requests('ipfsproxy')
  }, { ...deps, node: nodeBehindProxy(config, section, { ...deps, log }), log })
}

/** The gateway, in front of whichever IPFS node there is. Names and the denylist are looked up where `deps` has who does it. */
function composeGateway ({ folder }: FacesInit, section: GatewayConfig, deps: ReadingDeps): Gateway {
  const { ipfs, denylist, names, flow, reader, clock } = deps
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
  }, { ipfs, names, reader, denylist, flow, clock, log: deps.log.child('gateway') })
}

function nodeBehindProxy (config: ServiceConfig, section: IpfsProxyConfig, { cluster, ipfs, names, reader, flow, clock, log }: ReadingDeps): NodeApi {
  if (config.ipfs.kind === 'helia' && canPublish(names)) return embeddedNode({ ipfs, names, cluster, reader, importCar, hash: namedHash, flow, clock, log })
  return kuboNode({
    address: section.nodeMultiaddress,
    isHttps: section.nodeHttps,
    extraHeaders: section.extractHeadersExtra,
    extractPath: section.extractHeadersPath,
    extractTtlMs: section.extractHeadersTtlMs
  }, { clock, log })
}

/** What the HTTP APIs have in common, with the files that the section names read. */
function httpInit (folder: string, section: HttpApiConfig, log: Logger): HttpFaceInit {
  const { basicAuthCredentials } = section
  return {
    listen: section.httpListenMultiaddress,
    tls: tlsOf(folder, section),
    basicAuth: basicAuthCredentials == null ? null : new Map(Object.entries(basicAuthCredentials.reveal())),
    cors: {
      allowedOrigins: section.corsAllowedOrigins,
      allowedMethods: section.corsAllowedMethods,
      allowedHeaders: section.corsAllowedHeaders,
      exposedHeaders: section.corsExposedHeaders,
      allowCredentials: section.corsAllowCredentials,
      maxAgeSeconds: Math.floor(section.corsMaxAgeMs / 1000)
    },
    headers: section.headers,
    timeouts: { readMs: section.readTimeoutMs, readHeaderMs: section.readHeaderTimeoutMs, writeMs: section.writeTimeoutMs, idleMs: section.idleTimeoutMs },
    maxHeaderBytes: section.maxHeaderBytes,
    logLine: accessLog(folder, section.httpLogFile, log)
  }
}

const tlsOf = (folder: string, { sslCertFile, sslKeyFile }: Pick<HttpApiConfig, 'sslCertFile' | 'sslKeyFile'>): HttpFaceInit['tls'] =>
  sslCertFile === '' ? null : { cert: readFileSync(resolveIn(folder, sslCertFile, '')), key: readFileSync(resolveIn(folder, sslKeyFile, '')) }

/** One line per request: to the file if there is one, else to the log. Throws INVALID_CONFIG for a file that can't be written, as Go's peer doesn't start either. */
function accessLog (folder: string, file: string, log: Logger): (line: string) => void {
  if (file === '') return line => log.info(line)
  const path = resolveIn(folder, file, '')
  return accessLogFile({ fd: opened(path), failed: err => log.error('the access log can not be written: lines are lost until it can', { file, err }) })
}

function opened (path: string): number {
  try {
    return openSync(path, 'a')
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', { path }, { message: `the access log ${path} can't be written: ${messageOf(err)}`, cause: err })
  }
}
