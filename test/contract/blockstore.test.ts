import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { levelBlockstore } from '../../src/blockstore/level/level.ts'
import { memoryBlockstore } from '../support/memory-blockstore.ts'
import { segmentBlockstore } from '../../src/blockstore/segments/segments.ts'
import type { Blockstore } from '../../src/blockstore/blockstore.ts'
import { damageOnce, dice } from '../rot/damage.ts'
import { blockstoreContract } from './blockstore.ts'
import type { BlockstoreSubject } from './blockstore.ts'

async function inFolder (open: (folder: string) => Blockstore): Promise<BlockstoreSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-blocks-'))
  return {
    store: open(folder), reopen: () => open(folder), rot: async seed => { await damageOnce(folder, dice(seed)) },
    close: async () => rm(folder, { recursive: true, force: true })
  }
}

blockstoreContract('memory', async () => {
  const store = memoryBlockstore()
  return { store, reopen: () => store, close: async () => {} }
})

blockstoreContract(
  'level', async () => inFolder(folder => levelBlockstore({ folder, writeBufferBytes: 4 << 20 }, { log: silentLogger, clock: systemClock }))
)

blockstoreContract('segments', async () => inFolder(folder => segmentBlockstore({ folder }, { log: silentLogger, clock: systemClock })))

blockstoreContract(
  'segments, tiny ones',
  async () => inFolder(folder => segmentBlockstore({ folder, segmentBytes: 3000, openFiles: 2 }, { log: silentLogger, clock: systemClock }))
)
