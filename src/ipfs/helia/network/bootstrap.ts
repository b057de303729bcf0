import type { Random } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker } from '../../../base/worker.ts'
import type { MultiaddrText } from '../../../model/cid.ts'
import type { KnownPeers } from './known-peers.ts'
import type { IpfsNetwork } from './node.ts'

export interface BootstrapDeps {
  network: Pick<IpfsNetwork, 'peers' | 'dial' | 'reached'>, known: Pick<KnownPeers, 'list' | 'note'>, random: Random, log: Logger
}

const enoughPeers = 4
const dialsAtOnce = 4
/** With 30 s a run: peers are written down every ten minutes. */
const runsPerNote = 20

/** Dials some of the bootstrap peers, and of those known from before, whenever too few peers are connected. Writes down who was reached. */
export function bootstrapWorker (addresses: readonly MultiaddrText[], { network, known, random, log }: BootstrapDeps): Worker {
  let runs = 0
  const some = (all: readonly MultiaddrText[]): MultiaddrText[] => {
    const start = Math.floor(random.float() * all.length)
    return [...all.slice(start), ...all.slice(0, start)].slice(0, dialsAtOnce)
  }
  return {
    name: 'ipfs bootstrap',
    intervalMs: () => 30_000,
    jitter: 0.2,
    work: async signal => {
      if (network.peers().length >= Math.min(enoughPeers, addresses.length)) {
        if (runs++ % runsPerNote === 0) await known.note(network.reached())
        return 'idle'
      }
      await Promise.all([...some(addresses), ...some(known.list())].map(async address => network.dial(address, { signal }).catch(err => {
        if (!signal.aborted) log.info('a bootstrap peer can not be reached', { address, err })
      })))
      return 'idle'
    }
  }
}
