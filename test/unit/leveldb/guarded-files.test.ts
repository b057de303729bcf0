import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { GuardedFiles } from '../../../src/leveldb/guarded-files.ts'

it('takes a store for whole that it could not look at, because a file of another disk has the number of its lock', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-guarded-'))
  const damages: string[] = []
  const guarded = (locks?: () => Promise<string>): GuardedFiles => new GuardedFiles({ folder, what: 'the store' }, {
    log: silentLogger, clock: systemClock, locks, replace: async ({ text }) => { damages.push(text) }
  })
  const use = async (files: GuardedFiles, key: string): Promise<void> => {
    await files.prepare()
    const level = new ClassicLevel(folder)
    await level.open()
    files.checkLater()
    await level.put(key, 'value'.repeat(100), { sync: true })
    files.mark.written(1, true)
    await level.close()
    await files.endCheck()
  }
  const first = guarded()
  await use(first, 'first')
  await first.mark.seal()
  const { ino } = await stat(join(folder, 'LOCK'))

  // this one ends without a stop
  await use(guarded(async () => `1: POSIX  ADVISORY  WRITE 4711 00:2f:${ino} 0 EOF\n`), 'second')
  await use(guarded(async () => ''), 'third')

  assert.deepEqual(damages, [])
  await rm(folder, { recursive: true })
})
