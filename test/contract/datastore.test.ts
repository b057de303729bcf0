import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { levelDatastore } from '../../src/datastore/level/level-datastore.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { damageRow } from '../../src/datastore/datastore.ts'
import { SimDisk } from '../support/sim-disk.ts'
import { damageOnce, dice } from '../rot/damage.ts'
import { datastoreContract } from './datastore.ts'

datastoreContract('memory', async () => {
  const datastore = memoryDatastore()
  return { datastore, reopen: () => datastore, close: async () => {} }
})

datastoreContract('simulated disk', async () => {
  const disk = new SimDisk()
  const rot = async (seed: number): Promise<void> => {
    const pick = dice(seed)
    disk.rot(() => pick(10) === 0, [{ key: damageRow, value: Buffer.from('{}') }])
  }
  return { datastore: disk.datastore(), reopen: () => disk.datastore(), rot, close: async () => {} }
})

datastoreContract('level', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'helia-cluster-level-'))
  const folder = join(parent, 'state') // a damaged one is put beside it
  const open = () => levelDatastore({ folder, writeBufferBytes: 4 << 20, cacheBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })
  return {
    datastore: open(), reopen: open, rot: async seed => { await damageOnce(folder, dice(seed)) },
    close: async () => rm(parent, { recursive: true, force: true })
  }
})
