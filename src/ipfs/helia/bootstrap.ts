import type { Random } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { MultiaddrText } from '../../model/cid.ts'
import type { IpfsNetwork } from './node.ts'

export interface BootstrapDeps { network: Pick<IpfsNetwork, 'peers' | 'dial'>, random: Random, log: Logger }

const enoughPeers = 4
const dialsAtOnce = 4

/** Dials some of the bootstrap peers whenever too few peers are connected. */
export function bootstrapWorker (addresses: readonly MultiaddrText[], { network, random, log }: BootstrapDeps): Worker {
  return {
    name: 'ipfs bootstrap',
    intervalMs: () => 30_000,
    jitter: 0.2,
    work: async signal => {
      if (network.peers().length >= Math.min(enoughPeers, addresses.length)) return 'idle'
      const start = Math.floor(random.float() * addresses.length)
      const chosen = [...addresses.slice(start), ...addresses.slice(0, start)].slice(0, dialsAtOnce)
      await Promise.all(chosen.map(async address => network.dial(address, { signal }).catch(err => {
        if (!signal.aborted) log.info('a bootstrap peer can not be reached', { address, err })
      })))
      return 'idle'
    }
  }
}
