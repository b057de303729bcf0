import { mountedRestApi } from '../../api/rest/rest-api.ts'
import { webApi } from '../../api/web/web-api.ts'
import type { WebSite } from '../../api/web/web-pages.ts'
import { webPages } from '../../api/web/web-pages.ts'
import type { WebuiConfig } from '../../config/service-config.ts'
import type { Arrival } from '../../http/request/trusted-proxies.ts'
import { TrustedProxies } from '../../http/request/trusted-proxies.ts'
import type { Api, ApisDeps, ApisInit } from './compose-apis.ts'
import { accessLog, tlsOf } from './http-init.ts'
import { restDepsOf } from './rest-deps.ts'
import { loadWebPages, shownVersion } from '../web-pages.ts'

/** The cluster's web pages on a listener of their own. `gateway`: where the peer's own gateway listens. */
export async function composeWebui (
  { folder, config, version }: ApisInit, section: WebuiConfig, deps: ApisDeps & { gateway: () => readonly string[] }
): Promise<Api> {
  const { clock, observer } = deps
  const log = deps.log.child('webui')
  const logLine = accessLog(folder, section.httpLogFile, deps.log.child('webuilog'))
  const files = await loadWebPages({ log })
  const credentials = config.api.restapi?.basicAuthCredentials
  const basicAuth = credentials == null ? null : new Map(Object.entries(credentials.reveal()))
  const proxies = new TrustedProxies(section.trustedProxies)
  const site = (arrival: Arrival): WebSite => ({
    kind: 'cluster',
    gateway: section.gatewayUrl === '' ? ownGateway(arrival, deps.gateway()) : section.gatewayUrl.replace(/\/+$/, ''),
    credentials: basicAuth != null,
    version: shownVersion(version)
  })
  return webApi({
    listen: section.httpListenMultiaddress,
    tls: tlsOf(folder, section),
    publicUrl: section.publicUrl,
    trustedProxies: section.trustedProxies,
    hasCredentials: basicAuth != null,
    readHeaderMs: section.readHeaderTimeoutMs,
    idleMs: section.idleTimeoutMs,
    maxHeaderBytes: section.maxHeaderBytes,
    maxConnections: section.maxConnections,
    logLine,
    wrap: observer.requests('webui')
  }, {
    pages: files == null ? null : siteOf => webPages({ files, site: siteOf, clock }),
    site,
    rest: mountedRestApi(
      { prefix: '/api/cluster', basicAuth, logLine },
      { ...restDepsOf(deps), remoteOf: request => proxies.arrivalOf(request).address || '-' }
    ),
    clock,
    log
  })
}

/** The gateway beside these pages, by the name that they were reached by. */
function ownGateway ({ scheme, host }: Arrival, addresses: readonly string[]): string {
  const port = addresses.map(address => /^\/ip[46]\/[^/]+\/tcp\/(\d+)/.exec(address)?.[1]).find(found => found != null)
  // behind a proxy nobody knows where it is
  return port == null || scheme !== 'http' || host === '' ? '' : `http://${host.replace(/:\d+$/, '')}:${port}`
}
