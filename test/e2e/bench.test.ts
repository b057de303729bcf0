import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createClient } from '../../src/client/client.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import { programFile } from '../support/programs.ts'

interface Ended { code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }

describe('ctl bench on a real peer', () => {
  const own = 'bafkqabdnnfxgk'
  let peer: PeerProcess
  let client: ClusterClient
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
    peer = await peerProcess()
    await peer.start()
    client = createClient({ url: peer.url })
    await client.pin(own, { name: 'mine' })
  })
  after(async () => {
    await peer.remove()
    await rm(folder, { recursive: true })
  })

  /** `begun`: told when it runs. */
  async function bench (args: readonly string[], begun: (child: ChildProcess) => Promise<void> = async () => {}): Promise<Ended> {
    const host = `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
    const child = spawn(process.execPath, [programFile('ctl'), '--host', host, 'bench', ...args], { cwd: folder })
    const printed = { stdout: '', stderr: '' }
    child.stdout.on('data', data => { printed.stdout += data })
    child.stderr.on('data', data => { printed.stderr += data })
    const ended = new Promise<Ended>(resolve => child.once('close', (code, signal) => resolve({ code, signal, ...printed })))
    await begun(child)
    return ended
  }
  const names = async (): Promise<string[]> => (await Array.fromAsync(client.allocations())).map(({ name }) => name)
  const untilUnderWay = async (): Promise<void> => pollUntil(async () => (await names()).length > 10, { what: 'pins of the load' })

  it('does what the mix says, tells of all of it, and takes away what it added', async () => {
    const { code, stdout, stderr } = await bench([
      '--seconds', '2', '--parallel', '4', '--size', '300kB', '--mix', 'add=1,pin=3,status=3,list=1,unpin=2', '--save', 'before.json'
    ])
    const compared = await bench(['--seconds', '1', '--parallel', '4', '--mix', 'status=1', '--compare', 'before.json'])

    assert.deepEqual([code, stderr], [0, ''], stdout)
    const line = '[1-9]\\d*, [\\d.]+/s, p50 [\\d.]+ ms, p99 [\\d.]+ ms, max [\\d.]+ ms, 0 errors\n'
    assert.match(stdout, new RegExp(`^${['add', 'pin', 'status', 'list', 'unpin', 'all'].map(what => `${what}: ${line}`).join('')}$`))
    assert.match(compared.stdout, /^status: \d+, [\d.]+\/s \([+±-]\d+ %\).*\nall: .*\nnot the same load as before: size 300000 → 65536, mix /)
    assert.deepEqual(await names(), ['mine'])
  })

  it('takes it away when it is interrupted, too', async () => {
    const { code, signal, stdout } = await bench(['--seconds', '600'], async child => {
      await untilUnderWay()
      child.kill('SIGINT')
    })

    assert.deepEqual([code, signal], [null, 'SIGINT'])
    assert.match(stdout, /^all: [1-9]/m)
    assert.deepEqual(await names(), ['mine'])
  })

  it('leaves what it cannot take away to --clean', async () => {
    await bench(['--seconds', '600', '--mix', 'pin=1'], async child => {
      await untilUnderWay()
      child.kill('SIGKILL')
    })
    const left = (await names()).length - 1

    const { code, stdout } = await bench(['--clean'])

    const removed = Number(/^(\d+) pins of earlier runs removed\n$/.exec(stdout)?.[1])
    assert.equal(code, 0)
    // requests that were under way when it was killed may have got there after the count
    assert.ok(left >= 10 && removed >= left && removed <= left + 8, `${removed} of ${left}`)
    assert.deepEqual(await names(), ['mine'])
  })
})
