import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../../support/poll.ts'

const root = join(import.meta.dirname, '../../..')

/** Says who it is, tells signals, and ends with 7 at the second one. */
const program = `
export async function main (): Promise<void> {
  const seen: string[] = []
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {
    seen.push(name)
    console.log('signal ' + seen.join(' '))
    if (seen.length === 2) process.exit(7)
  })
  if (process.argv[2] === 'end') process.exit(Number(process.argv[3]))
  if (process.argv[2] === 'deaf') process.removeAllListeners('SIGTERM')
  console.log('running ' + process.pid + ' ' + process.argv.slice(2).join(' '))
  setInterval(() => {}, 1000)
}
`
/** Makes the launcher, but not its child, believe that it runs on Node 20. */
const oldNode = "if (process.env.HELIA_CLUSTER_LAUNCHED !== '1') Object.defineProperty(process.versions, 'node', { value: '20.20.2' })"

describe('launcher', { skip: !existsSync(join(root, 'node_modules/node/bin/node')) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  const started: number[] = []
  before(() => {
    mkdirSync(join(folder, 'program'))
    copyFileSync(join(root, 'cmd/launcher.js'), join(folder, 'launcher.js'))
    copyFileSync(join(root, 'cmd/helia-cluster-service/bin.js'), join(folder, 'program/bin.js'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(join(folder, 'program/main.ts'), program)
    writeFileSync(join(folder, 'old-node.js'), oldNode)
  })
  after(() => {
    for (const pid of started) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true })
  })

  interface Launched {
    pid: number, childPid: number, text (): string, kill (signal: NodeJS.Signals): void,
    exit: Promise<[number | null, NodeJS.Signals | null]>
  }

  async function launch (node: 'fit' | 'old', ...args: string[]): Promise<Launched> {
    const flags = node === 'old' ? ['--import', join(folder, 'old-node.js')] : []
    const child = spawn(process.execPath, [...flags, join(folder, 'program/bin.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = child.pid ?? 0
    let text = ''
    child.stdout.on('data', chunk => { text += chunk })
    const exit = once(child, 'exit') as Launched['exit']
    if (args[0] !== 'end') await pollUntil(() => text.includes('running'), { what: 'the program' })
    const childPid = Number(/running (\d+)/.exec(text)?.[1] ?? 0)
    started.push(pid, ...(childPid === 0 ? [] : [childPid]))
    return { pid, childPid, text: () => text, kill: signal => { child.kill(signal) }, exit }
  }

  it('runs the program in the same process on a fit Node', async () => {
    const launched = await launch('fit', 'a', '-b')

    launched.kill('SIGKILL')

    assert.equal(launched.childPid, launched.pid)
    assert.match(launched.text(), /^running \d+ a -b\n/)
    await launched.exit
  })

  it('runs it under the node package on an older one, and ends with its status', async () => {
    const running = await launch('old', 'a', '-b')
    running.kill('SIGTERM')
    await pollUntil(() => running.text().includes('signal SIGTERM'))
    running.kill('SIGINT')
    const ended = await launch('old', 'end', '3')

    assert.notEqual(running.childPid, running.pid)
    assert.deepEqual(await running.exit, [7, null])
    assert.match(running.text(), /signal SIGTERM\nsignal SIGTERM SIGINT\n/)
    assert.deepEqual(await ended.exit, [3, null])
  })

  it('runs a build in the same process on an older one, if its command line allows it', async () => {
    const build = join(folder, 'build')
    mkdirSync(build)
    copyFileSync(join(root, 'cmd/launcher.js'), join(build, 'launcher.js'))
    writeFileSync(
      join(build, 'ctl.js'), readFileSync(join(root, 'cmd/helia-cluster-ctl/bin.js'), 'utf8').replace('../launcher.js', './launcher.js')
    )
    writeFileSync(join(build, 'ctl-main.mjs'), 'export const main = () => { console.log(process.pid) }')
    const sameProcess = async (...args: string[]): Promise<boolean> => {
      const child = spawn(
        process.execPath, ['--import', join(folder, 'old-node.js'), join(build, 'ctl.js'), ...args],
        { stdio: ['ignore', 'pipe', 'inherit'] }
      )
      const [told] = await once(child.stdout, 'data')
      return Number(told) === child.pid
    }

    const here = await Promise.all(
      [['id'], ['--host', '/unix//run/api.sock', 'pin', 'add', '/ipfs/bafk']].map(async args => sameProcess(...args))
    )
    const elsewhere = await Promise.all(
      [
        ['--host', '/ip4/127.0.0.1/tcp/1/p2p/12D3', 'id'], ['--host=/dnsaddr/example.org', 'id'],
        ['--host', '/ip4/127.0.0.1/tcp/1/ipfs/12D3', 'id']
      ].map(async args => sameProcess(...args))
    )

    assert.deepEqual(here, [true, true])
    assert.deepEqual(elsewhere, [false, false, false])
  })

  it('ends by a signal that the program does not listen to', async () => {
    const launched = await launch('old', 'deaf')

    launched.kill('SIGTERM')

    assert.deepEqual(await launched.exit, [null, 'SIGTERM'])
  })

  it('ends by the signal that its child ended by', async () => {
    const launched = await launch('old', 'x')

    process.kill(launched.childPid, 'SIGKILL')

    assert.deepEqual(await launched.exit, [null, 'SIGKILL'])
  })

  it('takes its child along when it is killed', async () => {
    const launched = await launch('old', 'x')

    launched.kill('SIGKILL')
    await launched.exit

    await pollUntil(() => !isAlive(launched.childPid), { what: 'the end of the child' })
  })
})

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    // ended, but its new parent hasn't looked after it yet
    return !existsSync('/proc/self/stat') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
