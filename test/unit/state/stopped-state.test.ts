import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { importState } from '../../../src/state/import-state.ts'
import { openState } from '../../../src/state/stopped-state.ts'

const deps = { log: silentLogger }
const self = '12D3KooWQ9vdWqAvX9KTYB5ysCsgC1orrEqkosGFuNsKhPtj3wmi'
/** An identity CID of one byte. */
const cid = (index: number): string => `f01550001${(0x10 + index).toString(16)}`

async function * text (lines: string): AsyncGenerator<Uint8Array> { yield Buffer.from(lines) }

describe('the pinset of a peer that does not run', () => {
  let state: string
  beforeEach(async () => { state = join(await mkdtemp(join(tmpdir(), 'helia-cluster-state-')), 'state') })
  afterEach(async () => { await rm(join(state, '..'), { recursive: true, force: true }) })

  const fill = async (...names: string[]): Promise<number> =>
    importState({ state, clusterName: 'c', secret: undefined, rules: { factors: { min: -1, max: -1 }, self } },
    text(names.map((name, index) => `{"cid":"${cid(index)}","name":"${name}"}`).join('\n')), deps)
  const names = async (): Promise<string[]> => {
    const opened = await openState(state, deps)
    let lines = ''
    for await (const chunk of opened.lines()) lines += Buffer.from(chunk).toString()
    await opened.close()
    return lines.split('\n').filter(line => line !== '').map(line => JSON.parse(line).name)
  }

  it('is empty when there is none', async () => {
    const found = await names()

    assert.deepEqual(found, [])
  })

  it('is replaced as a whole', async () => {
    await fill('one', 'two')

    const count = await fill('three')

    assert.equal(count, 1)
    assert.deepEqual(await names(), ['three'])
    assert.deepEqual(await readdir(state), ['pinset'])
  })

  it('goes together with the index of the pinning service, which a peer would trust when the numbers agree', async () => {
    const indexFiles = async (): Promise<void> => {
      for (const name of ['pins.sqlite', 'pins.sqlite-wal']) await writeFile(join(state, name), '')
    }
    await fill('one')
    await indexFiles()
    await fill('two')
    const imported = await readdir(state)
    await indexFiles()

    const opened = await openState(state, deps)
    await opened.clean()
    await opened.close()

    assert.deepEqual([imported, await readdir(state)], [['pinset'], ['pinset']])
  })

  it('stays when its successor fails', async () => {
    await fill('one')

    await assert.rejects(
      importState(
        { state, clusterName: 'c', secret: undefined, rules: { factors: { min: -1, max: -1 }, self } },
        text(`{"cid":"${cid(1)}"}\n{"cid":"${cid(2)}",}`), deps
      )
    )

    assert.deepEqual(await names(), ['one'])
    assert.deepEqual(await readdir(state), ['pinset'])
  })

  it('is the old one when an import was cut off before its end', async () => {
    await fill('one')
    await mkdir(join(state, 'pinset-import'))

    const found = await names()

    assert.deepEqual(found, ['one'])
    assert.deepEqual(await readdir(state), ['pinset'])
  })

  it('is the new one when an import was cut off between its two renames', async () => {
    await fill('old')
    await rename(join(state, 'pinset'), join(state, 'kept'))
    await fill('new')
    await rename(join(state, 'pinset'), join(state, 'pinset-import'))
    await rename(join(state, 'kept'), join(state, 'pinset-replaced'))

    const found = await names()

    assert.deepEqual(found, ['new'])
    assert.deepEqual(await readdir(state), ['pinset'])
  })

  it('is the new one when an import was cut off before it had tidied up', async () => {
    await fill('new')
    await mkdir(join(state, 'pinset-replaced'))

    const found = await names()

    assert.deepEqual(found, ['new'])
    assert.deepEqual(await readdir(state), ['pinset'])
  })
})
