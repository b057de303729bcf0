import type { RequestListener } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Authenticator } from './request/auth.ts'
import type { CorsInit } from './cors.ts'
import { cors } from './cors.ts'
import type { ErrorDialect } from './error-dialect.ts'
import { httpPipeline } from './pipeline.ts'
import { headerList } from './answer/reply.ts'
import type { Route } from './routing/route.ts'
import { HttpServer } from './server.ts'
import type { TickBudget } from './answer/tick-budget.ts'

/** The settings that the HTTP APIs have in common (sections `api.…` of service.json), files already read. */
export interface ApiServerInit {
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
  /** Around the handling of every request: for whoever measures or traces. */
  wrap?: (listener: RequestListener) => RequestListener
}

export interface ApiServerDeps {
  name: string
  routes: readonly Route[]
  dialect: ErrorDialect
  authenticator: Authenticator | null
  /** Of the event loop, shared with whoever else writes much. */
  tickBudget?: Pick<TickBudget, 'take'> | undefined
  clock: Clock
  log: Logger
}

/** A server for one API: its routes behind credentials, CORS and log. */
export function apiServer (
  init: ApiServerInit, { name, routes, dialect, authenticator, tickBudget, clock, log }: ApiServerDeps
): HttpServer {
  const listener = httpPipeline(
    { routes, headers: headerList(init.headers) },
    { dialect, cors: cors(init.cors), authenticator, logLine: init.logLine, tickBudget, clock, log }
  )
  return new HttpServer({
    name,
    listen: init.listen,
    tls: init.tls,
    maxHeaderBytes: init.maxHeaderBytes,
    readTimeoutMs: init.timeouts.readMs,
    readHeaderTimeoutMs: init.timeouts.readHeaderMs,
    writeTimeoutMs: init.timeouts.writeMs,
    idleTimeoutMs: init.timeouts.idleMs,
    closesEmptyBodies: true
  }, { listener: init.wrap?.(listener) ?? listener, clock, log })
}
