import { ClusterError } from '../../base/errors.ts'
import type { KuboAddress } from './address.ts'

/** How Go words what the system says. */
const goTexts: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  ENOENT: 'connect: no such file or directory',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  ETIMEDOUT: 'connect: connection timed out'
}

/** The node can't be reached, or hung up. `path` has the query. */
export function unavailable (address: KuboAddress, path: string, err: NodeJS.ErrnoException): ClusterError {
  const known = goTexts[err.code ?? '']
  const why = known == null ? err.message : `dial ${address.dialled}: ${known}`
  return new ClusterError(
    'IPFS_UNAVAILABLE', { code: err.code ?? '' }, { message: `Post "${address.origin}/api/v0/${path}": ${why}`, cause: err }
  )
}

/** What an answer with another status than 200 means. `path` has the query. */
export function refusal (path: string, status: number, body: string): ClusterError {
  const message = kuboMessage(body)
  if (message == null) {
    return new ClusterError('IPFS_ERROR', { status }, {
      message: `IPFS request failed (is it running?) (${path}). Code ${status}: ${body}`
    })
  }
  return failure(message, { status, message: `IPFS error (${path}). Code: ${status}. Message: ${message}` })
}

/** An error that came after the answer had begun. */
export const lateFailure = (path: string, message: string): ClusterError =>
  failure(message, { status: 200, message: `IPFS error (${path}): ${message}` })

/** Kubo's own words in an error that `refusal` or `lateFailure` made; '' for other errors. */
export const kuboWords = (err: unknown): string =>
  err instanceof ClusterError && typeof err.details['kubo'] === 'string' ? err.details['kubo'] : ''

function failure (kubo: string, { status, message }: { status: number, message: string }): ClusterError {
  return new ClusterError(codeOf(kubo), { status, kubo }, { message })
}

function codeOf (kubo: string): 'STORAGE_FULL' | 'BLOCK_MISSING' | 'PIN_REFUSED' | 'IPFS_ERROR' {
  if (/no space left on device|disk quota exceeded/i.test(kubo)) return 'STORAGE_FULL'
  if (kubo.startsWith('block was not found locally')) return 'BLOCK_MISSING'
  return kubo.endsWith('already pinned recursively') ? 'PIN_REFUSED' : 'IPFS_ERROR'
}

function kuboMessage (body: string): string | undefined {
  try {
    const { Message: message } = JSON.parse(body) as { Message?: unknown }
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
