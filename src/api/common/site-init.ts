import type { RequestListener } from 'node:http'

/**
 * A listener that browsers come to, maybe through a proxy in front: what `api.service` and `api.webui` of service.json share, files already
 * read. Times in milliseconds.
 */
export interface SiteInit {
  /** Multiaddr texts. */
  listen: readonly string[]
  /** PEM texts; null: plain HTTP. */
  tls: { cert: string | Buffer, key: string | Buffer } | null
  /** Without a slash at its end; empty: what the request says. */
  publicUrl: string
  /** Addresses and networks whose `X-Forwarded-*` is believed. */
  trustedProxies: readonly string[]
  readHeaderMs: number
  idleMs: number
  maxHeaderBytes: number
  maxConnections: number
  /** Gets one Apache common-log line per request; null: no log. */
  logLine: ((line: string) => void) | null
  /** Around the handling of every request: for whoever measures or traces. */
  wrap?: (listener: RequestListener) => RequestListener
}
