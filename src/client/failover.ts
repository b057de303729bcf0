import { ApiError } from './errors.ts'
import type { Transport } from './transport.ts'

/**
 * Tries the transports in order until one gets an answer, whatever its status: the next one's turn comes only when a call failed. Bodies
 * that can be read once only make the first failure final, once reading has begun.
 */
export function failover (transports: readonly Transport[]): Transport {
  return {
    request: async request => {
      let failure: unknown = new ApiError(0, 'no peer to ask')
      for (const transport of transports) {
        try {
          return await transport.request(request)
        } catch (err) {
          request.signal?.throwIfAborted()
          failure = err
        }
      }
      throw failure
    }
  }
}
