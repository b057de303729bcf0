import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../../src/base/errors.ts'
import { diskFree, repoSpace } from '../../../../../src/ipfs/helia/repository/repo-space.ts'
import type { RepoSpace } from '../../../../../src/ipfs/helia/repository/repository.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

describe('room of the repository', () => {
  let used: number
  let free: number
  let asked: number
  let clock: SimClock
  const space = (storageMaxBytes = 1000): RepoSpace => repoSpace({ storageMaxBytes, folder: '/repo' }, {
    blocks: { sizeBytes: () => used },
    clock,
    diskFree: async () => {
      asked++
      return free
    }
  })

  beforeEach(() => {
    [used, free, asked] = [0, 10_000, 0]
    clock = new SimClock()
  })

  it('is the lesser of what storage_max and the disk leave', async () => {
    used = 300
    const byLimit = await space().stat()
    free = 50
    const byDisk = await space().stat()

    assert.deepEqual(byLimit, { repoSize: 300, storageMax: 1000, freeBytes: 700 })
    assert.deepEqual(byDisk, { repoSize: 300, storageMax: 1000, freeBytes: 50 })
  })

  it('is never less than nothing', async () => {
    used = 1500

    assert.equal((await space().stat()).freeBytes, 0)
  })

  it('is all the disk has when there is no limit', async () => {
    used = 300

    assert.deepEqual(await space(Infinity).stat(), { repoSize: 300, storageMax: 10_300, freeBytes: 10_000 })
    await space(Infinity).ensureRoom(9999)
  })

  it('refuses what storage_max forbids and names the key', async () => {
    used = 300

    await space().ensureRoom(700)
    await assert.rejects(space().ensureRoom(701), err => isClusterError(err, 'STORAGE_FULL') &&
      ['300', '1000', 'ipfs_connector.helia.storage_max'].every(text => err.message.includes(text)))
  })

  it('refuses what the disk has no room for and names the folder', async () => {
    free = 50

    await assert.rejects(
      space().ensureRoom(51), err => isClusterError(err, 'STORAGE_FULL') && err.message.includes('/repo') && err.message.includes('50')
    )
  })

  it('asks the disk once a second at most, and counts what it granted since', async () => {
    const room = space(1_000_000)

    for (let n = 0; n < 9; n++) await room.ensureRoom(1000)
    const before = asked
    free = 500
    await assert.rejects(room.ensureRoom(1001), err => isClusterError(err, 'STORAGE_FULL'))
    await clock.advance(1000)
    await room.ensureRoom(500)

    assert.deepEqual([before, asked], [1, 3])
  })

  it('reads the free bytes of a real disk', async () => {
    assert.ok(await diskFree(tmpdir()) > 0)
  })
})
