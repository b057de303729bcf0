import type { ApiServerInit } from '../../src/http/api-server.ts'

/** The defaults of Go's service.json, listening nowhere. */
export const apiServerDefaults: ApiServerInit = {
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
