import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { DiskMetricType } from '../../src/informer/disk/disk-informer.ts'
import { diskInformer } from '../../src/informer/disk/disk-informer.ts'
import { pingInformer } from '../../src/informer/ping/ping-informer.ts'
import { pinqueueInformer } from '../../src/informer/pinqueue/pinqueue-informer.ts'
import { tagsInformer } from '../../src/informer/tags/tags-informer.ts'
import { SimClock } from '../support/sim-clock.ts'
import { informerContract } from './informer.ts'

const metricTtlMs = 30_000

for (const metricType of ['freespace', 'reposize'] satisfies DiskMetricType[]) {
  informerContract(`disk, ${metricType}`, () => {
    const clock = new SimClock()
    let isAway = false
    const ipfs = {
      repoStat: async () => {
        if (isAway) throw new ClusterError('IPFS_UNAVAILABLE')
        return { repoSize: 100, storageMax: 1000, freeBytes: 900 }
      }
    }
    return {
      informer: diskInformer({ metricTtlMs, metricType }, { ipfs, clock, log: silentLogger }), clock, breakSource: () => { isAway = true }
    }
  })
}

informerContract('tags', () => {
  const clock = new SimClock()
  return { informer: tagsInformer({ metricTtlMs, tags: { group: 'default', region: 'eu' } }, { clock }), clock }
})

informerContract('pinqueue', () => {
  const clock = new SimClock()
  return { informer: pinqueueInformer({ metricTtlMs, weightBucketSize: 10 }, { tracker: { queueLength: () => 25 }, clock }), clock }
})

informerContract('ping', () => {
  const clock = new SimClock()
  let error = ''
  const ipfs = { id: async () => ({ id: '12D3KooWNode', addresses: [], error }) }
  return {
    informer: pingInformer({ peerName: 'me', pingIntervalMs: 15_000 }, { ipfs, clock }), clock, breakSource: () => { error = 'away' }
  }
})
