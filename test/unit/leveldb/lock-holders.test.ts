import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { mayBeLocked } from '../../../src/leveldb/lock-holders.ts'

describe('who holds a lock', () => {
  let processes = ''
  let file = { dev: 0, ino: 0 }
  before(async () => {
    processes = await mkdtemp(join(tmpdir(), 'helia-cluster-holders-'))
    for (const name of ['LOCK', 'other']) await writeFile(join(processes, name), '')
    file = await stat(join(processes, 'LOCK'))
    for (const [pid, open] of [['11', 'other'], ['12', 'LOCK']] as const) {
      await mkdir(join(processes, pid, 'fd'), { recursive: true })
      await symlink(join(processes, open), join(processes, pid, 'fd/3'))
      await symlink('socket:[4711]', join(processes, pid, 'fd/4'))
    }
  })
  after(async () => rm(processes, { recursive: true }))

  const isLockedBy = (pid: number | string, ino = file.ino): boolean =>
    mayBeLocked(file, { processes, locks: `1: POSIX  ADVISORY  WRITE ${pid} 00:2f:${ino} 0 EOF\n` })

  it('is who has the file open', () => {
    assert.ok(isLockedBy(12))
  })

  it('is nobody whose file only has the same number, on another disk', () => {
    assert.ok(!isLockedBy(11))
    assert.ok(!mayBeLocked(file, { processes, locks: '' }))
  })

  it('is nobody of another number', () => {
    assert.ok(!isLockedBy(12, file.ino + 1))
    assert.ok(!isLockedBy(12, Number(`${file.ino}0`)))
  })

  it('may be who cannot be looked into', () => {
    assert.ok(isLockedBy(13))
    assert.ok(isLockedBy(-1))
  })
})
