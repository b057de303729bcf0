import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { levelDatastore } from '../../../../src/datastore/level/level-datastore.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'

const signal = new AbortController().signal

describe('level datastore', () => {
  let folder: string
  const open = (): Datastore => levelDatastore({ folder, writeBufferBytes: 1 << 20, cacheBytes: 1 << 20 }, { log: silentLogger })

  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'helia-cluster-level-')) })
  afterEach(async () => rm(folder, { recursive: true, force: true }))

  it('makes its folder', async () => {
    folder = join(folder, 'a', 'b')
    const store = open()

    await store.start(signal)

    assert.ok((await readdir(folder)).includes('CURRENT'))
    await store.stop()
  })

  it('refuses a newer format and says the way out', async () => {
    const level = new ClassicLevel(folder)
    await level.put('\u0000format', '2')
    await level.close()

    await assert.rejects(open().start(signal), err => isClusterError(err, 'UNSUPPORTED') && err.message.includes('state export') && err.message.includes(folder))
  })

  it('reports a folder that another handle has open', async () => {
    const first = open()
    await first.start(signal)

    await assert.rejects(open().start(signal), err => isClusterError(err, 'LOCKED'))
    await first.stop()
  })

  it('reports damaged files with the folder name', async () => {
    const store = open()
    await store.start(signal)
    await store.write([{ key: '/a', value: new Uint8Array(10) }], { sync: true })
    await store.stop()
    const manifest = (await readdir(folder)).find(name => name.startsWith('MANIFEST')) ?? ''
    await writeFile(join(folder, manifest), 'this is not a manifest at all, it is forty bytes')

    await assert.rejects(open().start(signal), err => isClusterError(err, 'INVALID_DATA') && err.message.includes(folder))
  })
})
