import type { Clock } from '../base/clock.ts'
import type { RequestContext } from './request-context.ts'

/** What Go's server still reads of an unread body to keep the connection; beyond that it closes. */
const readOnBytes = 256 * 1024
const lingerMs = 500

/** True when the answer comes before the end of a body that is too long to read on: the connection ends with this answer. */
export function closesEarly ({ request }: RequestContext): boolean {
  if (request.complete || request.method === 'GET' || request.method === 'HEAD') return false
  const declared = request.headers['content-length']
  return declared == null ? request.headers['transfer-encoding'] != null : Number(declared) > readOnBytes
}

/**
 * Lets the client read an answer that came before the end of its upload: closing a socket with unread bytes in it would reset the
 * connection and the answer be lost. So our side ends first, and what still comes is thrown away for half a second.
 */
export function lingerBeforeClose ({ request, response }: RequestContext, clock: Clock): void {
  const { socket } = request
  if (socket.destroyed || typeof socket.destroySoon !== 'function') return
  socket.destroySoon = () => {
    if (request.complete) {
      socket.end(() => socket.destroy())
      return
    }
    socket.end()
    if (!request.destroyed) request.resume()
    const cancel = clock.after(lingerMs, () => socket.destroy())
    socket.once('close', cancel)
    request.once('end', () => socket.destroy())
  }
  response.once('error', () => socket.destroy())
}
