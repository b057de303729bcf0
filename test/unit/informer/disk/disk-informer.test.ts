import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { DiskMetricType } from '../../../../src/informer/disk/disk-informer.ts'
import { diskInformer } from '../../../../src/informer/disk/disk-informer.ts'
import type { RepoStat } from '../../../../src/ipfs/ipfs.ts'
import { SimClock } from '../../../support/sim-clock.ts'

async function measured (metricType: DiskMetricType, stat: RepoStat | Error): Promise<unknown[]> {
  const repoStat = async (): Promise<RepoStat> => {
    if (stat instanceof Error) throw stat
    return stat
  }
  const informer = diskInformer({ metricTtlMs: 30_000, metricType }, { ipfs: { repoStat }, clock: new SimClock(), log: silentLogger })
  const [metric] = await informer.metrics('self')
  return [informer.name, metric?.name, metric?.value, metric?.weight, metric?.valid, metric?.partitionable]
}

describe('disk informer', () => {
  it('weighs free space by its bytes', async () => {
    assert.deepEqual(
      await measured('freespace', { repoSize: 100, storageMax: 1000, freeBytes: 900 }), ['freespace', 'freespace', '900', 900n, true, false]
    )
  })

  it('weighs the size of the repo against it', async () => {
    assert.deepEqual(
      await measured('reposize', { repoSize: 100, storageMax: 1000, freeBytes: 900 }), ['reposize', 'reposize', '100', -100n, true, false]
    )
  })

  it('is exact beyond 2^32', async () => {
    assert.deepEqual(
      (await measured('freespace', { repoSize: 0, storageMax: 2 ** 52, freeBytes: 2 ** 52 - 1 })).slice(2, 4),
      ['4503599627370495', 4503599627370495n]
    )
  })

  it('has no valid free space when the node is full, or fuller than allowed', async () => {
    assert.deepEqual((await measured('freespace', { repoSize: 1000, storageMax: 1000, freeBytes: 0 })).slice(2, 5), ['0', 0n, false])
    assert.deepEqual((await measured('freespace', { repoSize: 1200, storageMax: 1000, freeBytes: -200 })).slice(2, 5), ['0', 0n, false])
  })

  it('tells the size of a full repo', async () => {
    assert.deepEqual((await measured('reposize', { repoSize: 1000, storageMax: 1000, freeBytes: 0 })).slice(2, 5), ['1000', -1000n, true])
  })

  it('is not valid while the node is away', async () => {
    assert.equal((await measured('freespace', new ClusterError('IPFS_UNAVAILABLE')))[4], false)
    assert.equal((await measured('reposize', new ClusterError('IPFS_UNAVAILABLE')))[4], false)
  })
})
