import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { folderStaging } from '../../../../src/service/staging/folder/folder-staging.ts'
import type { Staging } from '../../../../src/service/staging/staging.ts'

const never = new AbortController().signal
const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
async function * pieces (...all: Buffer[]): AsyncGenerator<Uint8Array> { yield * all }

describe('staging in a folder', () => {
  let folder: string
  let staging: Staging

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-staging-'))
    staging = folderStaging({ folder })
    await staging.start(never)
  })

  afterEach(async () => {
    await staging.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('clears away what a killed process was writing', async () => {
    await writeFile(join(folder, 'drafts', 'half'), 'half of it')

    await folderStaging({ folder }).start(never)

    assert.deepEqual(await readdir(join(folder, 'drafts')), [])
    // those of another peer that has the folder mounted are its own
    await folderStaging({ folder, owner: 'other' }).start(never)
    await writeFile(join(folder, 'drafts', 'other', 'half'), 'half of it')
    await folderStaging({ folder, owner: 'this' }).start(never)
    assert.deepEqual(await readdir(join(folder, 'drafts', 'other')), ['half'])
    assert.equal(await staging.size('half'), null)
  })

  it('says that the disk is full, and leaves nothing', async () => {
    // a device that has room for nothing
    await symlink('/dev/full', join(folder, 'open', 'full'))

    await assert.rejects(staging.append('full', 0, pieces(Buffer.alloc(5000))), codeIs('STORAGE_FULL'))
  })

  it('says that the folder is away', async () => {
    await rm(join(folder, 'drafts'), { recursive: true })

    await assert.rejects(staging.put('key', pieces(Buffer.from('x'))), codeIs('NOT_READY'))
  })
})
