import type { Clock } from '../../base/clock.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { Informer } from '../informer.ts'
import { measured } from '../measured.ts'

/** How many roots the IPFS node has. For who builds a peer of their own; the daemon doesn't offer it, as in Go. */
export function numpinInformer ({ metricTtlMs: ttlMs }: { metricTtlMs: number }, { ipfs, clock }: { ipfs: Pick<IpfsConnector, 'pinCount'>, clock: Clock }): Informer {
  return {
    name: 'numpin',
    ttlMs,
    metrics: async self => [measured({ name: 'numpin', value: String(ipfs.pinCount()) }, { self, now: clock.now(), ttlMs })]
  }
}
