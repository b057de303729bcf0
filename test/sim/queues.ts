import type { StatelessConfig } from '../../src/config/service-config.ts'
import { usualShare } from '../../src/model/queue-rules.ts'

/**
 * True for the seeds of worlds in which pins wait in several queues, with limits. No seed of seeds.txt that is older than they are has any.
 */
const hasQueues = (seed: number): boolean => seed % 11 === 7

const shares = new Map([
  ['peer0', { ...usualShare, weight: 10 }],
  ['peer1', { ...usualShare, maxAtOnce: 1 }],
  ['*', { ...usualShare, maxPinsPerSecond: 0.2 }]
])

/** What the peers of a world do about queues. */
export const queuesOf = (seed: number): Pick<StatelessConfig, 'queueBy' | 'queues'> =>
  hasQueues(seed) ? { queueBy: ['queue', 'tenant'], queues: shares } : { queueBy: [], queues: new Map() }

/** What a user who asks that peer writes into the metadata of a pin. */
export const queueMetadata = (seed: number, peerName: string): Record<string, string> => hasQueues(seed) ? { tenant: peerName } : {}
