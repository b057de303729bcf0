import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { programFile } from '../support/programs.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** The blocks of a guide that a reader types, and those between them, by the section's heading. */
async function sections (path: string): Promise<Map<string, string[]>> {
  const text = await readFile(join(root, path), 'utf8')
  return new Map(text.split(/^## /m).slice(1).map(section =>
    [section.slice(0, section.indexOf('\n')), [...section.matchAll(/^```(?:sh)?\n([\s\S]*?)^```$/gm)].map(([, script = '']) => script)]))
}

const run = async (script: string, options: { cwd: string, env?: Record<string, string> }): Promise<string> => (
  await promisify(execFile)('sh', ['-eu', '-c', script], { ...options, env: { ...process.env, ...options.env }, timeout: quietMs(60_000) })
).stdout

describe('the quick start', { timeout: quietMs(90_000) }, () => {
  let folder: string
  let peer: PeerProcess

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-quick-'))
    peer = await peerProcess()
    await peer.start()
  })
  after(async () => {
    await peer?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  it('adds, shows, reads and removes a file, waits for what nobody has, and adds a folder', async () => {
    const [file = '', elsewhere = '', directory = ''] = (await sections('docs/guide/quick-start.md')).get('Add, look, fetch, remove') ?? []
    const here = (script: string): string =>
      script.replaceAll('http://127.0.0.1:9094', peer.url).replaceAll('http://127.0.0.1:8080', peer.gateway)
    const cid = /^CID=(\w+)/m.exec(file)?.[1] ?? assert.fail('the guide tells no CID')

    const [added, waiting, folders] = [
      await run(here(file), { cwd: folder }), await run(here(elsewhere), { cwd: folder }), await run(here(directory), { cwd: folder })
    ]

    assert.equal(JSON.parse(added.slice(0, added.indexOf('\n'))).cid, cid)
    assert.match(added, /^hello$/m)
    assert.match(added, new RegExp(`"keys":\\[\\{"key":"${cid}"\\}\\]`))
    assert.match(waiting, /"phase":"no_peers"/)
    assert.deepEqual(folders.trimEnd().split('\n').map(line => JSON.parse(line).name), ['site/a.txt', 'site/b.txt', 'site'])
  })
})

describe('the guide to a cluster', { timeout: quietMs(180_000) }, () => {
  let folder: string
  let env: Record<string, string>
  const daemons: ChildProcess[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-three-'))
    await mkdir(join(folder, 'bin'))
    for (const program of ['service', 'ctl'] as const) {
      const file = join(folder, 'bin', `helia-cluster-${program}`)
      await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${programFile(program)}" "$@"\n`)
      await chmod(file, 0o755)
    }
    env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` }
  })
  after(async () => {
    for (const one of daemons) {
      const ends = one.exitCode == null && one.signalCode == null ? once(one, 'exit') : undefined
      one.kill('SIGKILL')
      await ends
    }
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs a line that starts a peer, until its log says the line that the guide shows. */
  async function start (line: string): Promise<{ restapi: string[], cluster: string[] }> {
    const daemon = spawn('sh', ['-c', `exec ${line}`], { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
    daemons.push(daemon)
    let log = ''
    daemon.stderr.on('data', data => { log += data })
    const ready = (): string | undefined => /\tINFO\tcluster\t\*\* IPFS Cluster is READY \*\*\t(\{.*\})\n/.exec(log)?.[1]
    await pollUntil(() => ready() != null, { withinMs: 60_000, what: `${line} is ready` })
    return JSON.parse(ready() ?? '')
  }

  it('makes three peers, puts a pin on two of them, and shows what the loss of one does', async () => {
    const guide = await sections('docs/guide/cluster.md')
    const [init = '', first = '', shown = '', others = '', ask = ''] = guide.get('Three peers') ?? []
    const [add = '', status = ''] = guide.get('Pins on some of them') ?? []
    const cluster = /"cluster":\["([^"]+)/.exec(shown)?.[1] ?? assert.fail('the guide shows no address')
    const restapi = /"restapi":\["([^"]+)/.exec(shown)?.[1] ?? assert.fail('the guide shows no address')

    await run(init, { cwd: folder, env })
    const one = await start(first.trim())
    for (const line of others.trim().split('\n')) await start(line.replace(cluster, one.cluster[0] ?? ''))
    // a function is what the alias is where nobody types
    const ctl = `ctl () { helia-cluster-ctl --host ${one.restapi[0]} --enc=table "$@"; }\n`
    const asked = ask.replace(/^alias .*\n/m, '')
    assert.ok(ask.includes(`--host ${restapi}"`), 'the alias has the address of the log')
    await pollUntil(
      async () => (await run(`${ctl}ctl peers ls`, { cwd: folder, env })).match(/^12D3\w+ +(?:one|two|three) +\S+ +2 /gm)?.length === 3,
      { withinMs: 60_000, what: 'each sees two others' }
    )

    const graph = await run(`${ctl}${asked}`, { cwd: folder, env })
    const pinned = await run(`${ctl}${add}`, { cwd: folder, env })
    daemons[2]?.kill('SIGINT')
    await once(daemons[2] ?? assert.fail('three is not there'), 'exit')
    const lost = await run(`${ctl}ctl status`, { cwd: folder, env })

    assert.match(graph, /^digraph cluster/m)
    const columns = (text: string): string[] => text.trim().split('\n')[0]!.split(/ +/)
    assert.deepEqual(columns(pinned.slice(pinned.indexOf('\nCID'))), columns(status))
    assert.match(status, new RegExp(/^added (\w+) hello\.txt$/m.exec(pinned)?.[1] ?? 'no CID'))
    assert.deepEqual(pinned.match(/\b(?:pinned|remote)\b/g)?.toSorted(), ['pinned', 'pinned', 'remote'])
    assert.match(lost, / three +cluster_error /)
  })
})
