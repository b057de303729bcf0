import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { GuardedFiles } from '../../../src/leveldb/guarded-files.ts'

describe('the files of a store', () => {
  let folder = ''
  let damages: string[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-guarded-'))
    damages = []
  })
  afterEach(async () => rm(folder, { recursive: true }))

  const guarded = (locks?: () => Promise<string>): GuardedFiles => new GuardedFiles({ folder, what: 'the store' }, {
    log: silentLogger, clock: systemClock, locks,
    replace: async ({ text, keptAt }) => {
      damages.push(text)
      await rm(keptAt, { recursive: true, force: true })
      await rm(folder, { recursive: true })
    }
  })
  const opened = async (): Promise<ClassicLevel> => {
    const level = new ClassicLevel(folder)
    await level.open()
    return level
  }
  const use = async (files: GuardedFiles, key: string): Promise<void> => {
    const level = await files.opened(opened)
    files.checkLater()
    await level.put(key, 'value'.repeat(100), { sync: true })
    files.mark.written(1, true)
    await level.close()
    await files.endCheck()
  }
  /** As if a process that can't be looked into held it: its number is beyond those that Linux gives. */
  const lockedByAnother = async (): Promise<string> =>
    `1: POSIX  ADVISORY  WRITE 4194305 00:2f:${(await stat(join(folder, 'LOCK'))).ino} 0 EOF\n`

  it('are taken for whole when they could not be looked at, because a file of another disk has the number of their lock', async () => {
    const first = guarded()
    await use(first, 'first')
    await first.mark.seal()

    // this one ends without a stop
    await use(guarded(lockedByAnother), 'second')
    await use(guarded(async () => ''), 'third')

    assert.deepEqual(damages, [])
  })

  it('are looked at after all when they seemed to be in use, do not open and are not locked', async () => {
    await use(guarded(), 'first')
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-000009\n')

    await use(guarded(lockedByAnother), 'second')

    assert.deepEqual(damages, ['CURRENT: names no file that is there'])
  })

  it('are looked at when the holder, which was killed, takes a moment to end: LevelDB would drop what is damaged without a word', async () => {
    const level = await guarded().opened(opened)
    for (const key of ['one', 'two', 'three']) await level.put(key, 'value'.repeat(100), { sync: true })
    await level.close()
    const [log = ''] = (await readdir(folder)).filter(name => name.endsWith('.log'))
    const bytes = await readFile(join(folder, log))
    bytes[700] = (bytes[700] ?? 0) ^ 1
    await writeFile(join(folder, log), bytes)
    let left = 6

    const again = await guarded(async () => left-- > 0 ? lockedByAnother() : '').opened(opened)

    await again.close()
    assert.equal(damages.length, 1)
  })

  it('are left alone while somebody has them open, damaged or not', async () => {
    await use(guarded(), 'first')
    const other = await opened()
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-000009\n')

    await assert.rejects(guarded(lockedByAnother).opened(opened), err => /IO error: lock /.test(String((err as Error).cause)))

    await other.close()
    assert.deepEqual(damages, [])
  })

  it('are looked at when the holder of a lock of that number ended meanwhile', async () => {
    await use(guarded(), 'first')
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-000009\n')
    const lists = [await lockedByAnother(), '']
    let opens = 0

    const level = await guarded(async () => lists.shift() ?? '').opened(async () => {
      opens++
      return opened()
    })

    await level.close()
    assert.deepEqual([damages.length, opens], [1, 1])
  })
})
