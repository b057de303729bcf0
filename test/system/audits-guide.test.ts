import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { MixedCluster } from '../interop/mixed-cluster.ts'
import { mixedCluster } from '../interop/mixed-cluster.ts'
import { flipBit } from '../support/flip-bit.ts'
import { jsonLines, uploadForm } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

const root = join(import.meta.dirname, '../..')

/** What stands in the guide: a command, and what it prints; `…` is anything in one line, a line of it any lines. */
interface Step { script: string, prints: RegExp }

async function guide (): Promise<Map<string, Step>> {
  const text = await readFile(join(root, 'docs/operations/audits.md'), 'utf8')
  return new Map([...text.matchAll(/^```sh (\S+)\n([\s\S]*?)^```\n```\n([\s\S]*?)^```$/gm)].map(
    ([, name = '', script = '', shown = '']) => [name, { script, prints: patternOf(shown) }]
  ))
}

const patternOf = (shown: string): RegExp =>
  new RegExp(`^${shown.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/^…\n/gm, '(?:.*\n)*').replaceAll('…', '.*')}`)

describe('the guide to audits', { timeout: quietMs(180_000) }, () => {
  const content = randomBytes(3000)
  let cluster: MixedCluster
  let bin: string
  let steps: Map<string, Step>
  let cid = ''

  before(async () => {
    bin = await mkdtemp(join(tmpdir(), 'helia-cluster-audits-'))
    steps = await guide()
    const program = `#!/bin/sh\nexec "${process.execPath}" "${root}/cmd/helia-cluster-ctl/bin.js" "$@"\n`
    await writeFile(join(bin, 'helia-cluster-ctl'), program, { mode: 0o755 })
    cluster = await mixedCluster(['node', 'node'])
    for (const at of [0, 1]) await cluster.start(at)
    await cluster.settled()
    const body = uploadForm([{ name: 'file', bytes: content }])
    const added = await jsonLines(await fetch(`${cluster.at(0).url}/add?raw-leaves=true&cid-version=1`, { method: 'POST', body }))
    cid = added.at(-1).cid
    await pinnedOnBoth()
  })
  after(async () => {
    await cluster.remove()
    await rm(bin, { recursive: true, force: true })
  })

  const pinnedOnBoth = async (): Promise<void> => pollUntil(async () => {
    const status: any = await (await fetch(`${cluster.at(0).url}/pins/${cid}`)).json()
    return Object.values<{ status: string }>(status.peer_map).filter(({ status }) => status === 'pinned').length === 2
  }, { withinMs: 60_000, what: 'the pin on both' })

  /** Runs a step at the second peer, and looks whether it prints what the guide says. Gives the exit code. */
  async function run (name: string): Promise<number> {
    const { script, prints } = steps.get(name) ?? assert.fail(`no script ${name}`)
    const { url } = cluster.at(1)
    const env = {
      ...process.env, PATH: `${bin}:${process.env.PATH}`, HOST: `/ip4/127.0.0.1/tcp/${new URL(url).port}`, URL: url, CID: cid, NAME: 'node-0'
    }
    const { code, stdout, stderr } = await promisify(execFile)('sh', ['-eu', '-c', script], { env }).then(
      printed => ({ code: 0, ...printed }), (err: { code: number, stdout: string, stderr: string }) => err
    )
    assert.equal(stderr, '')
    assert.match(stdout, prints)
    return code
  }

  /** Whether its list of all statuses and its health tell of damage. */
  async function told (): Promise<{ isNoted: boolean, isProblem: boolean }> {
    const { url } = cluster.at(1)
    const list = await (await fetch(`${url}/pins?local=true`)).text()
    const { problems } = await (await fetch(`${url}/health/ready`)).json() as { problems: string[] }
    const isNoted = /"status":"pinned".*"error":"the audit of .* found 1 of its blocks/.test(list)
    return { isNoted, isProblem: problems.includes('pins_damaged') }
  }

  it('finds all of it', async () => {
    assert.equal(await run('all-of-it'), 0)
    assert.equal(await run('another-peer'), 0)
  })

  it('finds a bit that has turned, says so, and repairs it', async () => {
    await cluster.at(1).end('SIGTERM')
    await flipBit(join(cluster.at(1).folder, 'blocks'), content)
    await cluster.start(1)
    await cluster.settled()

    assert.equal(await run('one-pin'), 1)
    assert.equal(await run('what-the-status-says'), 0)
    const before = await told()
    assert.equal(await run('repair-it'), 1)
    assert.deepEqual([before.isNoted, before.isProblem], [true, true])
    assert.deepEqual(await told(), { isNoted: false, isProblem: false })
    assert.equal(await run('what-was-found'), 0)
    assert.equal(await run('for-programs'), 0)
    assert.equal(await run('all-of-it'), 0)
  })
})
