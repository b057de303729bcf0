import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Startable } from '../../../src/base/lifecycle.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { fileReserve, opensInReserve } from '../../../src/node/folder/disk-reserve.ts'
import type { KeptReserve } from '../../../src/node/folder/disk-reserve.ts'

const MiB = 1024 * 1024
const never = new AbortController().signal

describe('reserve on the disk', () => {
  let folder = ''
  let freeBytes = 100 * MiB
  const disk = async () => ({ freeBytes, sizeBytes: 1000 * MiB })
  const started = async (sizeBytes = 4 * MiB): Promise<KeptReserve> => {
    const reserve = fileReserve({ folder, sizeBytes }, { log: silentLogger, disk })
    await reserve.start()
    return reserve
  }
  const size = (): number | undefined => statSync(join(folder, 'reserve'), { throwIfNoEntry: false })?.size

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reserve-'))
    freeBytes = 100 * MiB
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is taken by its worker, at once and whole, when there is room for it and half of it more', async () => {
    const reserve = await started()

    freeBytes = 6 * MiB - 1
    await reserve.upkeep.work(never)
    const before = size()
    freeBytes = 6 * MiB
    await reserve.upkeep.work(never)

    assert.equal(before, undefined)
    assert.equal(size(), 4 * MiB)
    assert.equal(reserve.lackBytes(), 0)
  })

  it('is still there after a restart, and given up by it on a full disk', async () => {
    await (await started()).upkeep.work(never)

    const again = await started()
    freeBytes = MiB
    const full = await started()

    assert.equal(again.lackBytes(), 0)
    assert.equal(full.lackBytes(), 4 * MiB)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('is given up for stores that find no room to open, which start once more; without a reserve they stay closed', async () => {
    const reserve = await started()
    await reserve.upkeep.work(never)
    const starts = [0, 0, 0]
    const storeOf = (at: number, failures: number): Startable => ({
      name: 'store',
      start: async () => {
        starts[at] = (starts[at] ?? 0) + 1
        await nextTurn()
        if (starts[at] <= failures) throw new ClusterError('STORAGE_FULL')
      },
      stop: async () => {}
    })
    const none = fileReserve({ folder, sizeBytes: 0 }, { log: silentLogger, disk })
    await none.start()

    await Promise.all([0, 1].map(async at => opensInReserve(storeOf(at, 1), reserve).start(never)))
    assert.deepEqual([starts, size()], [[2, 2, 0], undefined])
    await assert.rejects(opensInReserve(storeOf(2, 2), reserve).start(never), { code: 'STORAGE_FULL' })
    await assert.rejects(opensInReserve(storeOf(2, 3), none).start(never), { code: 'STORAGE_FULL' })
    assert.deepEqual(starts, [2, 2, 3])
  })

  it('is given up once, whoever asks, and taken again', async () => {
    const reserve = await started()
    await reserve.upkeep.work(never)

    await Promise.all([reserve.giveUp(), reserve.giveUp()])
    const lack = reserve.lackBytes()
    await reserve.upkeep.work(never)

    assert.equal(lack, 4 * MiB)
    assert.equal(size(), 4 * MiB)
  })

  it('says that there is no room while the disk has only what was given up', async () => {
    const reserve = await started()
    await reserve.checkRoom()
    await reserve.upkeep.work(never)
    freeBytes = 0
    await reserve.checkRoom()
    await reserve.giveUp()

    freeBytes = 4 * MiB - 1
    await assert.rejects(reserve.checkRoom(), { code: 'STORAGE_FULL' })
    freeBytes = 4 * MiB
    await reserve.checkRoom()
  })

  it('is 64 MiB, on a small disk an eighth of it', async () => {
    const sizes: number[] = []
    for (const sizeBytes of [100, 1000].map(one => one * MiB)) {
      const reserve = fileReserve({ folder }, { log: silentLogger, disk: async () => ({ freeBytes, sizeBytes }) })
      await reserve.start()
      sizes.push(reserve.sizeBytes() / MiB)
    }

    assert.deepEqual(sizes, [12, 64])
  })

  it('never rejects when it can\'t be given up', async () => {
    const reserve = await started()
    await reserve.upkeep.work(never)
    rmSync(join(folder, 'reserve'))
    writeFileSync(join(folder, 'other'), '')

    await reserve.giveUp()

    assert.equal(reserve.lackBytes(), 4 * MiB)
  })
})
