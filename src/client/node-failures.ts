import { messageOf } from '../base/errors.ts'
import type { Endpoint } from './endpoint.ts'

/** What scripts know: the texts in which Go's client tells that it got no answer. */
const texts: Record<string, (at: string, host: string) => string> = {
  ECONNREFUSED: at => `dial tcp ${at}: connect: connection refused`,
  ETIMEDOUT: at => `dial tcp ${at}: connect: connection timed out`,
  EHOSTUNREACH: at => `dial tcp ${at}: connect: no route to host`,
  ENETUNREACH: at => `dial tcp ${at}: connect: network is unreachable`,
  ENOTFOUND: (_at, host) => `dial tcp: lookup ${host}: no such host`,
  EAI_AGAIN: (_at, host) => `dial tcp: lookup ${host}: server misbehaving`,
  ECONNRESET: () => 'EOF',
  EPROTO: () => 'http: server gave HTTP response to HTTPS client',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: () => 'http: server gave HTTP response to HTTPS client',
  ERR_SSL_WRONG_VERSION_NUMBER: () => 'http: server gave HTTP response to HTTPS client',
  DEPTH_ZERO_SELF_SIGNED_CERT: () => 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: () => 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  CERT_HAS_EXPIRED: () => 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
}

/** Why no answer came, in the words of Go's client where scripts know them ("dial tcp 127.0.0.1:9094: connect: connection refused"). */
export function failureText (err: unknown, endpoint: Endpoint): string {
  const { code, errors } = err as { code?: unknown, errors?: unknown[] }
  if (endpoint.kind === 'unix' && code === 'ENOENT') return `dial unix ${endpoint.path}: connect: no such file or directory`
  if (endpoint.kind === 'unix' && code === 'ECONNREFUSED') return `dial unix ${endpoint.path}: connect: connection refused`
  if (endpoint.kind === 'libp2p') return libp2pText(err)
  const text = typeof code === 'string' ? texts[code] : undefined
  if (text == null || endpoint.kind !== 'tcp') return messageOf(errors?.[0] ?? err)
  const { host, port } = endpoint
  return text(`${host.includes(':') ? `[${host}]` : host}:${port}`, host)
}

function libp2pText (err: unknown): string {
  const { name } = err as { name?: unknown }
  if (name === 'UnsupportedProtocolError') return 'failed to negotiate protocol: protocols not supported: [/libp2p-http]'
  return err instanceof Error ? `failed to dial: ${messageOf(err)}` : 'EOF' // libp2p throws its close event when a connection goes under it
}
