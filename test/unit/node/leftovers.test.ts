import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { removeLeftovers } from '../../../src/node/folder/leftovers.ts'

describe('what killed processes have left', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'helia-cluster-leftovers-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('is removed: stores for one answer, what walks had spilled and drafts of files, nothing else', async () => {
    const kept = ['peerstore', 'peerstore.tmp', 'peerstore.1.tmp.old', 'service.json', 'tmp-mine', 'tmp-notes.txt', 'other.12.tmp', 'state']
    for (const name of [...kept, 'peerstore.4711.tmp', 'service.json.1.tmp']) await writeFile(join(folder, name), '')
    for (const name of ['tmp-aB3xYz', 'tmp-000000', 'temporary']) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'CURRENT'), 'MANIFEST')
    }

    await removeLeftovers({ folder, files: [join(folder, 'peerstore'), join(folder, 'service.json')] }, { log: silentLogger })

    assert.deepEqual((await readdir(folder)).toSorted(), kept.toSorted())
  })

  it('may not be there at all', async () => {
    await removeLeftovers({ folder: join(folder, 'not here'), files: [join(folder, 'neither', 'x')] }, { log: silentLogger })

    assert.deepEqual(await readdir(folder), [])
  })
})
