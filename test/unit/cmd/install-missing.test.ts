import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'

const script = join(import.meta.dirname, '../../../scripts/install-missing.js')

describe('install-missing', { skip: process.platform === 'win32' }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'install-'))
  after(() => rmSync(scratch, { recursive: true }))
  let project = ''
  const at = (name: string, secondsAfter1970: number): void => {
    writeFileSync(join(project, name), '{}')
    utimesSync(join(project, name), secondsAfter1970, secondsAfter1970)
  }

  beforeEach(() => {
    project = mkdtempSync(join(scratch, 'project-'))
    for (const folder of ['bin', 'scripts']) mkdirSync(join(project, folder))
    copyFileSync(script, join(project, 'scripts/install-missing.js'))
    writeFileSync(join(project, 'bin/npm'), '#!/bin/sh\necho npm "$1"\nexit 3\n')
    chmodSync(join(project, 'bin/npm'), 0o755)
    writeFileSync(join(project, 'package.json'), '{"type": "module"}')
    at('package-lock.json', 1000)
  })

  function run (): { status: number | null, stdout: string, stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, 'scripts/install-missing.js')], {
      encoding: 'utf8',
      env: { PATH: `${join(project, 'bin')}${delimiter}${process.env['PATH']}` }
    })
    return { status, stdout, stderr }
  }

  it('installs when there are no dependencies, says why, and passes on the failure', () => {
    const result = run()

    assert.deepEqual(result, { status: 3, stdout: 'npm ci\n', stderr: 'npm ci, because node_modules is missing: this takes a while\n' })
  })

  it('does not touch the folder behind a symbolic link', () => {
    mkdirSync(join(project, 'shared'))
    at('shared/.package-lock.json', 999)
    symlinkSync(join(project, 'shared'), join(project, 'node_modules'))

    const result = run()

    assert.deepEqual([result.status, result.stdout], [1, ''])
    assert.match(result.stderr, /^package-lock.json is newer than node_modules, but node_modules is a symbolic link/)
  })

  it('installs when the lock file is newer', () => {
    mkdirSync(join(project, 'node_modules'))
    at('node_modules/.package-lock.json', 999)

    const result = run()

    assert.deepEqual(result, { status: 3, stdout: 'npm ci\n', stderr: 'npm ci, because package-lock.json is newer than node_modules: this takes a while\n' })
  })

  it('does nothing otherwise', () => {
    mkdirSync(join(project, 'node_modules'))
    at('node_modules/.package-lock.json', 1001)

    const result = run()

    assert.deepEqual(result, { status: 0, stdout: '', stderr: '' })
  })
})
