import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemRandom } from '../../../../src/base/system.ts'
import { memoryBlockstore } from '../../../support/memory-blockstore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { localNode } from '../../../../src/ipfs/helia/local-node.ts'
import { SimClock } from '../../../support/sim-clock.ts'

it('the embedded node removes at its start what operations of a killed process had spilled to the disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-local-node-'))
  const spilled = join(folder, 'temporary', '7')
  await mkdir(spilled, { recursive: true })
  await writeFile(join(spilled, '000003.log'), 'marks')
  const datastore = memoryDatastore()
  const { signal } = new AbortController()
  await datastore.start(signal)
  const node = localNode({ storageMaxBytes: 1e9, folder }, {
    blockstore: memoryBlockstore(), datastore, clock: new SimClock(), random: systemRandom, log: silentLogger
  })

  await node.start(signal)

  assert.equal(existsSync(join(folder, 'temporary')), false)
  await node.stop()
  await rm(folder, { recursive: true })
})
