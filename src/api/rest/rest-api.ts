import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { passwordAuthenticator } from '../../http/auth.ts'
import type { CorsInit } from '../../http/cors.ts'
import { cors } from '../../http/cors.ts'
import { httpFront } from '../../http/front.ts'
import type { HeaderList } from '../../http/reply.ts'
import { HttpServer } from '../../http/server.ts'
import { restDialect } from './dialect.ts'
import { restRoutes } from './routes.ts'

/** The section `api.restapi` of service.json, files already read. */
export interface RestApiInit {
  /** Multiaddr texts: `/ip4/127.0.0.1/tcp/9094`, `/unix/run/cluster.sock`, … Port 0 is any. */
  listen: readonly string[]
  /** PEM texts; null: plain HTTP. */
  tls: { cert: string | Buffer, key: string | Buffer } | null
  /** user → password; null: no credentials are asked for. */
  basicAuth: ReadonlyMap<string, string> | null
  cors: CorsInit
  /** Added to every answer. */
  headers: Readonly<Record<string, readonly string[]>>
  /** Milliseconds; 0: no limit. */
  timeouts: { readMs: number, readHeaderMs: number, writeMs: number, idleMs: number }
  maxHeaderBytes: number
  /** Gets one Apache common-log line per request; null: no log. */
  logLine: ((line: string) => void) | null
}

export interface RestApiDeps { cluster: ClusterApi, log: Logger, clock: Clock }

/** A running face: where it listens, and a way in for connections that come from elsewhere (libp2p streams, tests). */
export interface RestApi extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/** The defaults of Go's service.json, listening nowhere. */
export const restApiDefaults: RestApiInit = {
  listen: [],
  tls: null,
  basicAuth: null,
  cors: {
    allowedOrigins: ['*'],
    allowedMethods: ['GET'],
    allowedHeaders: [],
    exposedHeaders: ['Content-Type', 'X-Stream-Output', 'X-Chunked-Output', 'X-Content-Length'],
    allowCredentials: true,
    maxAgeSeconds: 0
  },
  headers: {},
  timeouts: { readMs: 0, readHeaderMs: 5000, writeMs: 0, idleMs: 120_000 },
  maxHeaderBytes: 4096,
  logLine: null
}

/** The REST API of a cluster peer, as Go's (rest-api §1–8), with `/pins/{cid}/progress` and `/openapi.json` of our own. */
export function restApi (init: RestApiInit, { cluster, log, clock }: RestApiDeps): RestApi {
  const authenticator = init.basicAuth == null ? null : passwordAuthenticator({ credentials: init.basicAuth, realm: 'Restricted IPFS Cluster API' }, { clock })
  const listener = httpFront(
    { routes: restRoutes({ cluster, authenticator, clock }), headers: headerList(init.headers) },
    { dialect: restDialect, cors: cors(init.cors), authenticator, logLine: init.logLine, clock, log }
  )
  return new HttpServer({
    name: 'restapi',
    listen: init.listen,
    tls: init.tls,
    maxHeaderBytes: init.maxHeaderBytes,
    readTimeoutMs: init.timeouts.readMs,
    readHeaderTimeoutMs: init.timeouts.readHeaderMs,
    writeTimeoutMs: init.timeouts.writeMs,
    idleTimeoutMs: init.timeouts.idleMs
  }, { listener, clock, log })
}

function headerList (headers: Readonly<Record<string, readonly string[]>>): HeaderList {
  return Object.entries(headers).flatMap(([name, values]) => values.map(value => [canonical(name), value] as const))
}

/** "x-custom" → "X-Custom", as Go writes header names. */
const canonical = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, found => found.toUpperCase())
