import { randomBytes } from 'node:crypto'
import type { PeerInfo } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'

/** What is used of libp2p's components. */
export interface WalkComponents {
  peerRouting: { getClosestPeers (key: Uint8Array, options: { signal?: AbortSignal }): AsyncIterable<PeerInfo> }
}

const restMs = 60_000

/**
 * In place of libp2p's random walk, which asks again without a pause for as long as somebody wants peers: where there are few, that would
 * take a whole core. Peers near a random key, again after each rest, until the signal aborts.
 */
export function throttledWalk ({ peerRouting }: WalkComponents, { clock }: { clock: Clock }): {
  walk (options?: { signal?: AbortSignal }): AsyncIterable<PeerInfo>
} {
  return {
    walk: async function * ({ signal } = {}) {
      for (;;) {
        try {
          yield * peerRouting.getClosestPeers(randomBytes(32), signal == null ? {} : { signal })
        } catch {
          // nobody to ask yet, or the search failed: the next one may not
          signal?.throwIfAborted()
        }
        await clock.sleep(restMs, signal)
      }
    }
  }
}
