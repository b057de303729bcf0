import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { lockFolder } from '../../../src/node/lock.ts'

const lockFile = new URL('../../../src/node/lock.ts', import.meta.url).href
const holder = `import { lockFolder } from ${JSON.stringify(lockFile)}; lockFolder(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`

describe('folder lock', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'lock-'))
  let folder = ''
  let path = ''
  const children: Array<ReturnType<typeof spawn>> = []

  beforeEach(() => {
    folder = mkdtempSync(join(scratch, 'peer-'))
    path = join(folder, 'cluster.lock')
  })
  afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })
  after(() => rmSync(scratch, { recursive: true }))

  async function otherHolder (): Promise<ReturnType<typeof spawn>> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', holder, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout ?? child, 'data')
    return child
  }

  it('holds our pid while it is held, and nothing remains', () => {
    const lock = lockFolder(folder)
    const pid = readFileSync(path, 'utf8').split('\n')[0]

    lock.release()
    lock.release()

    assert.equal(pid, String(process.pid))
    assert.deepEqual(readdirSync(folder), [])
  })

  it('is refused to a second holder in the same process', () => {
    const lock = lockFolder(folder)

    assert.throws(() => lockFolder(folder), { code: 'LOCKED' })
    lock.release()
  })

  it('is refused while another process lives, naming its pid and the way out', async () => {
    const child = await otherHolder()

    assert.throws(() => lockFolder(folder), (err: any) => err.code === 'LOCKED' && err.details.pid === child.pid && err.message.includes(`kill ${child.pid}`))
    assert.deepEqual(readdirSync(folder), ['cluster.lock'])
  })

  it('is taken over from a process that was killed', async () => {
    const child = await otherHolder()
    child.kill('SIGKILL')
    await once(child, 'exit')

    const lock = lockFolder(folder)

    assert.equal(readFileSync(path, 'utf8').split('\n')[0], String(process.pid))
    lock.release()
  })

  it('is taken over when the pid belongs to another process by now', { skip: !existsSync('/proc/self/stat') }, async () => {
    const child = await otherHolder()
    writeFileSync(path, `${child.pid}\nsome-other-boot 12345\n`)

    lockFolder(folder).release()

    assert.equal(existsSync(path), false)
  })

  it('is taken over from a file that a crashed Go peer left', { skip: !existsSync('/proc/locks') }, () => {
    writeFileSync(path, '')

    lockFolder(folder).release()

    assert.equal(existsSync(path), false)
  })

  it('is refused while a Go peer holds its kernel lock', { skip: !existsSync('/proc/locks') || spawnSync('flock', ['--version']).error != null }, async () => {
    writeFileSync(path, '')
    const child = spawn('flock', [path, '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')

    assert.throws(() => lockFolder(folder), { code: 'LOCKED', message: /another program/ })

    child.stdin.end()
    await once(child, 'exit')
  })

  it('does not remove a lock that somebody else has by now', () => {
    const lock = lockFolder(folder)
    writeFileSync(path, '1\n\n')

    lock.release()

    assert.equal(readFileSync(path, 'utf8'), '1\n\n')
  })
})
