import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runFolder } from '../../support/run-folder.ts'

const support = join(import.meta.dirname, '../../support/run-folder.ts')

describe('folders of runs of all tests', () => {
  let parent: string
  before(async () => { parent = await mkdtemp(join(tmpdir(), 'helia-cluster-runs-')) })
  after(async () => { await rm(parent, { recursive: true, force: true }) })

  it('are two for two runs at once, and one again when a run was killed', async () => {
    const program =
      `const { runFolder } = await import(${JSON.stringify(support)}); console.log(runFolder(${JSON.stringify(parent)})); setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [its] = await once(other.stdout.setEncoding('utf8'), 'data')
    const ours = runFolder(parent)
    const ended = once(other, 'exit')
    other.kill('SIGKILL')
    await ended

    const next = runFolder(parent)

    assert.equal(its.trim(), join(parent, '1'))
    assert.equal(ours, join(parent, '2'))
    assert.equal(next, join(parent, '1'))
  })
})
