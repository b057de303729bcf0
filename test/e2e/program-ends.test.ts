import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { folderToAdd, interruptedAdd, terminalMissing } from '../support/interrupted-add.ts'
import { quietMs } from '../support/poll.ts'
import { programFile } from '../support/programs.ts'

const root = join(import.meta.dirname, '../..')
/** Tells on standard error when a program asks Node to end it, which may hang. */
const tellsExit =
  `data:text/javascript,${encodeURIComponent("const { exit } = process; process.exit = code => { process._rawDebug('process.exit'); exit(code) }")}`

interface Ended { code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }

describe('programs end by themselves, or by the signal that they got', { timeout: quietMs(60_000) }, () => {
  let folder: string
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'helia-cluster-ends-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  async function run (program: string, args: string[], when: (kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<Ended> {
    const child = spawn(
      process.execPath, ['--import', tellsExit, join(root, 'cmd', `helia-cluster-${program}`, 'bin.js'), ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] }
    )
    when(signal => { child.kill(signal) })
    const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code, signal, stdout, stderr }
  }

  it('after what they were asked for', async () => {
    const ended = await Promise.all([
      run('service', ['--version']), run('ctl', ['--version']), run('follow', ['--version']),
      run('service', ['-c', join(folder, 'peer'), 'init', '--profile', 'test', '--randomports']),
      run('ctl', ['--host', '/ip4/127.0.0.1/tcp/9', 'id'])
    ])

    assert.deepEqual(ended.map(({ code }) => code), [0, 0, 0, 0, 1])
    for (const { stderr } of ended) assert.doesNotMatch(stderr, /process\.exit/)
  })

  it('also while somebody keeps their input open', async () => {
    const child = spawn(
      process.execPath,
      ['--import', tellsExit, join(root, 'cmd/helia-cluster-service/bin.js'), '-c', join(folder, 'asked'), 'init', '--custom-secret'],
      { stdio: ['pipe', 'pipe', 'pipe'] }
    )
    child.stdin.write(`${'ab'.repeat(32)}\n`)
    const [told, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    child.stdin.destroy()

    assert.equal(code, 0)
    assert.doesNotMatch(told, /process\.exit/)
  })

  describe('when they are interrupted', () => {
    let server: Server
    let asked: PromiseWithResolvers<void>
    before(async () => {
      server = createServer(() => { asked.resolve() }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      await mkdir(join(folder, 'files'))
      await writeFile(join(folder, 'files/a.txt'), 'hello')
    })
    after(async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      it(`ctl add ends as one that ${signal} ended, without a word`, async () => {
        asked = Promise.withResolvers()
        const host = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`

        const ended = await run(
          'ctl', ['--host', host, 'add', '-r', join(folder, 'files')], kill => { void asked.promise.then(() => kill(signal)) }
        )

        assert.deepEqual(ended, { code: null, signal, stdout: '', stderr: '' })
      })
    }
  })

  // `npm run interrupt` does so hundreds of times
  it('ctl add -r in a terminal, whenever somebody types Ctrl-C', { skip: terminalMissing ?? false }, async () => {
    const server = createServer(request => { request.resume() }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const host = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
    const large = await folderToAdd(join(folder, 'large'), { files: 100, bytes: 300_000 })

    const ends = await Promise.all([50, 150, 300, 450].map(
      async afterMs => interruptedAdd({ node: process.execPath, ctl: programFile('ctl'), host, folder: large, afterMs, withinMs: 20_000 })
    ))

    server.closeAllConnections()
    server.close()
    assert.deepEqual(ends.map(({ code }) => code), [130, 130, 130, 130])
    assert.ok(ends.every(({ isLeft }) => !isLeft))
  })

  it('although a timer is left that nobody needs', async () => {
    const program =
      `const { endProcess } = await import(${JSON.stringify(join(root, 'cmd/helia-cluster-service/end-process.ts'))}); setTimeout(() => console.log('late'), 30_000); console.log('early'); endProcess(7)`
    const child = spawn(
      process.execPath, ['--import', tellsExit, '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] }
    )
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])

    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'early\n', stderr: '' })
  })

  it('a daemon after it has stopped', async () => {
    const peer = join(folder, 'daemon')
    await run('service', ['-c', peer, 'init', '--profile', 'test', '--randomports'])
    const child = spawn(
      process.execPath, ['--import', tellsExit, join(root, 'cmd/helia-cluster-service/bin.js'), '-c', peer, 'daemon'],
      { stdio: ['ignore', 'pipe', 'pipe'] }
    )
    let told = ''
    child.stderr.on('data', chunk => {
      told += chunk
      if (told.includes('READY') && !told.includes('stopping')) child.kill('SIGTERM')
    })
    const [code] = await once(child, 'exit')

    assert.equal(code, 0)
    assert.doesNotMatch(told, /process\.exit/)
  })
})
