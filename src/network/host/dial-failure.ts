import { messageOf } from '../../base/errors.ts'
import type { PeerId } from '../../model/cid.ts'

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out'
}

/** A fault of Node's sockets. */
interface SocketError { code: string, address: string, port: number }

/** The message for an error of libp2p's dial or of opening a stream: as Go's when no address of the peer answered, otherwise its own. */
export function dialFailure (peer: PeerId, err: unknown): string {
  if (!(err instanceof AggregateError) && !isSocketError(err)) return messageOf(err)
  const tried = err instanceof AggregateError ? err.errors : [err]
  return [`failed to dial: failed to dial ${peer}: all dials failed`, ...tried.map(one => `  * ${attempt(one)}`)].join('\n')
}

function attempt (err: unknown): string {
  if (!isSocketError(err)) return messageOf(err)
  const { code, address, port } = err
  const version = address.includes(':') ? 6 : 4
  const host = version === 6 ? `[${address}]` : address
  return `[/ip${version}/${address}/tcp/${port}] dial tcp${version} ${host}:${port}: connect: ${reasons[code] ?? code}`
}

function isSocketError (err: unknown): err is SocketError {
  const { code, address, port } = (err ?? {}) as Partial<SocketError>
  return typeof code === 'string' && typeof address === 'string' && typeof port === 'number'
}
