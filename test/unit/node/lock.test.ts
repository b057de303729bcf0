import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { kernelLock } from '../../../src/base/kernel-lock.ts'
import { lockFolder } from '../../../src/node/folder/lock.ts'
import { noPidNamespace, spawnInPidNamespace } from '../../support/pid-namespace.ts'
import { pollUntil, quietMs } from '../../support/poll.ts'

const lockFile = new URL('../../../src/node/folder/lock.ts', import.meta.url).href
const importing = `const { lockFolder } = await import(${JSON.stringify(lockFile)});`
const hold = `${importing} lockFolder(process.argv[1]); globalThis.gc?.(); console.log('held'); setInterval(() => {}, 1000)`
const tell =
  `${importing} try { lockFolder(process.argv[1]); console.log('locked') } catch (err) { console.log(err.code + ' ' + err.details.pid + ' ' + err.message) }`

type Spawn = (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess
const noProcLocks = existsSync('/proc/locks') ? false : 'no /proc/locks'

function isFree (folder: string): boolean {
  try {
    lockFolder(folder).release()
    return true
  } catch {
    return false
  }
}

describe('folder lock', { timeout: quietMs(30_000) }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'lock-'))
  let folder = ''
  let path = ''
  const children: ChildProcess[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(scratch, 'peer-'))
    path = join(folder, 'cluster.lock')
  })
  afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })
  after(() => rmSync(scratch, { recursive: true }))

  /** Another process, and its first line. */
  async function run (script: string, by: Spawn = spawn): Promise<{ child: ChildProcess, line: string }> {
    const child = by(
      process.execPath, ['--expose-gc', '--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    children.push(child)
    const [data] = await once(child.stdout ?? child, 'data')
    return { child, line: String(data) }
  }

  async function killed (child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  it('leaves the file empty, as Go\'s programs want it, and nothing when it is released', () => {
    const lock = lockFolder(folder)
    const sizeBytes = statSync(path).size
    const note = JSON.parse(readFileSync(`${path}.holder`, 'utf8'))

    lock.release()
    lock.release()

    assert.equal(sizeBytes, 0)
    assert.deepEqual(note, { pid: process.pid, host: hostname() })
    assert.deepEqual(readdirSync(folder), [])
  })

  it('is refused to a second holder in the same process, which doesn\'t take it from the first', async () => {
    const lock = lockFolder(folder)

    assert.throws(() => lockFolder(folder), { code: 'LOCKED' })
    assert.match((await run(tell)).line, /^LOCKED /)
    lock.release()
    lockFolder(folder).release()
  })

  it('is refused while another process lives, naming its pid and the way out in one line', { skip: noProcLocks }, async () => {
    const { child } = await run(hold)

    assert.throws(() => lockFolder(folder), (err: any) => err.code === 'LOCKED' && err.details.pid === child.pid &&
      err.message.includes(`kill ${child.pid}`) && !err.message.includes('\n'))
    assert.deepEqual(readdirSync(folder).toSorted(), ['cluster.lock', 'cluster.lock.holder'])
  })

  it('is free at once when its holder is killed', async () => {
    const { child } = await run(hold)
    await killed(child)

    const lock = lockFolder(folder)

    assert.equal(JSON.parse(readFileSync(`${path}.holder`, 'utf8')).pid, process.pid)
    lock.release()
    assert.deepEqual(readdirSync(folder), [])
  })

  it('is refused while a process in another PID namespace lives, also to another that is process 1, too', {
    skip: noPidNamespace()
  }, async () => {
    const { child } = await run(hold, spawnInPidNamespace)

    assert.throws(() => lockFolder(folder), { code: 'LOCKED' })
    assert.match((await run(tell, spawnInPidNamespace)).line, new RegExp(`^LOCKED 0 .*process 1 on "${hostname()}"`))

    await killed(child)
    await pollUntil(() => isFree(folder))
  })

  it('is refused to a process in another PID namespace while this one holds it', { skip: noPidNamespace() }, async () => {
    const lock = lockFolder(folder)

    assert.match((await run(tell, spawnInPidNamespace)).line, new RegExp(`^LOCKED 0 .*process ${process.pid} on`))
    lock.release()
  })

  it('is not taken for the pid in a stale note: only the kernel\'s lock counts', () => {
    writeFileSync(path, '')
    writeFileSync(`${path}.holder`, JSON.stringify({ pid: process.ppid, host: hostname() }))

    lockFolder(folder).release()

    assert.deepEqual(readdirSync(folder), [])
  })

  it('refuses a file with content, whatever stands there, and says what to do', () => {
    for (const content of [`${process.pid}\n\n`, '4194303\nsome-other-boot 12345\n', 'x']) {
      writeFileSync(path, content)

      assert.throws(() => lockFolder(folder), { code: 'LOCKED', message: /has content.*remove the file$/ })
      assert.equal(readFileSync(path, 'utf8'), content)
    }
  })

  it('does not remove a lock file that isn\'t its own any more', () => {
    const lock = lockFolder(folder)
    unlinkSync(path)
    const other = lockFolder(folder)

    lock.release()

    assert.ok(existsSync(path))
    assert.throws(() => lockFolder(folder), { code: 'LOCKED' })
    other.release()
  })

  it('gives up the reserve of a disk that has no room for the lock, and nothing else does so', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lock-full-'))
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const isThere = (): boolean => existsSync(join(folder, 'reserve'))
    writeFileSync(join(folder, 'reserve'), 'room')
    const take: typeof kernelLock = path => {
      if (isThere()) throw full
      return kernelLock(path)
    }

    assert.throws(() => lockFolder(folder, () => { throw new Error('another') }), { message: 'another' })
    assert.equal(isThere(), true)
    lockFolder(folder, take).release()
    assert.equal(isThere(), false)
    assert.throws(() => lockFolder(folder, () => { throw full }), { code: 'ENOSPC' })
    rmSync(folder, { recursive: true })
  })

  it('says what the file system says when the file can\'t be made', () => {
    const away = join(scratch, 'away')
    renameSync(folder, away)

    assert.throws(() => lockFolder(folder), { code: 'ENOENT' })
  })
})
