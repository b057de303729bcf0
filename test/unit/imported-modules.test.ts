import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { asModule } from '../../scripts/build-programs.ts'

describe('what programs import of the package', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-imported-'))
    await writeFile(join(folder, 'part.cjs'), "exports.name = 'part'")
    await writeFile(join(folder, 'any.mjs'), asModule({ fileName: 'part.cjs', exports: ['name'] }))
    await writeFile(join(folder, 'newer.mjs'), asModule({ fileName: 'part.cjs', exports: ['name'] }, '24.7'))
  })
  after(async () => rm(folder, { recursive: true, force: true }))

  /** Imports it in a program: gives what it exports as `name`, or the error. `old`: in a Node without SQLite. */
  const load = async (name: string, { old }: { old: boolean }): Promise<string> => {
    const module = JSON.stringify(pathToFileURL(join(folder, name)).href)
    const program = `${old ? 'process.getBuiltinModule = () => undefined;' : ''}
      import(${module}).then(({ name }) => console.log(name), ({ message }) => console.log(message))`
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout.trim()
  }

  it('has the exports of its part', async () => {
    assert.deepEqual([await load('any.mjs', { old: false }), await load('newer.mjs', { old: false })], ['part', 'part'])
  })

  it('says which Node it needs under one that is too old, unless any will do', async () => {
    const [any, newer] = [await load('any.mjs', { old: true }), await load('newer.mjs', { old: true })]

    assert.deepEqual([any, newer], ['part', `helia-cluster needs Node 24.7 or newer here; this is Node ${process.versions.node}`])
  })
})
