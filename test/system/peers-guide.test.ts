import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { MixedCluster } from '../interop/mixed-cluster.ts'
import { mixedCluster } from '../interop/mixed-cluster.ts'
import { jsonLines, uploadForm } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const pins = 30

/** The commands of the guide, by the word behind ```sh. */
async function guide (): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'docs/operations/peers.md'), 'utf8')
  return new Map([...text.matchAll(/^```sh (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', script = '']) => [name, script]))
}

describe('the guide to peers that come and go', () => {
  let cluster: MixedCluster
  let parent: string
  let scripts: Map<string, string>

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'helia-cluster-peers-'))
    scripts = await guide()
    await mkdir(join(parent, 'bin'))
    for (const program of ['helia-cluster-service', 'helia-cluster-ctl']) {
      await writeFile(join(parent, 'bin', program), `#!/bin/sh\nexec "${process.execPath}" "${root}/cmd/${program}/bin.js" "$@"\n`)
      await chmod(join(parent, 'bin', program), 0o755)
    }
    cluster = await mixedCluster(
      ['node', 'node', 'node', 'node'], json => Object.assign(json.cluster, { replication_factor_min: 2, replication_factor_max: 2 })
    )
    for (const at of [0, 1, 2]) await cluster.start(at)
    await cluster.settled()
    for (let at = 0; at < pins; at++) {
      await jsonLines(
        await fetch(
          `${cluster.at(at % 3).url}/add?cid-version=1&name=${at}`,
          { method: 'POST', body: uploadForm([{ name: `${at}`, bytes: Buffer.from(`content ${at}`) }]) }
        )
      )
    }
    await pollUntil(async () => await pinnedOn(0, 1, 2) === 2 * pins, { withinMs: 60_000, what: 'all pins' })
  })
  after(async () => {
    await cluster.remove()
    await rm(parent, { recursive: true, force: true })
  })

  const hostOf = (at: number): string => `/ip4/127.0.0.1/tcp/${new URL(cluster.at(at).url).port}`
  const run = async (name: string, variables: Record<string, string>): Promise<string> => {
    const env = { ...process.env, PATH: `${join(parent, 'bin')}:${process.env.PATH}`, ...variables }
    return (
      await promisify(execFile)('sh', ['-eu', '-c', scripts.get(name) ?? assert.fail(`no script ${name}`)], { env, timeout: quietMs(110_000) })
    ).stdout
  }
  const allocated = async (peer: string): Promise<number> => (
    await jsonLines(await fetch(`${cluster.at(0).url}/allocations`))
  ).filter(({ allocations }) => allocations.includes(peer)).length
  /** Copies that these peers have. */
  const pinnedOn = async (...peers: number[]): Promise<number> => {
    const rows = await Promise.all(peers.map(async at => jsonLines(await fetch(`${cluster.at(at).url}/pins?local=true&filter=pinned`))))
    return rows.flat().length
  }

  it('makes a configuration with which a peer joins', async () => {
    const folder = join(parent, 'new')
    await run('add-a-peer', { SECRET: 'cd'.repeat(32), FOLDER: folder })

    assert.equal(JSON.parse(await readFile(join(folder, 'service.json'), 'utf8')).cluster.secret, 'cd'.repeat(32))
  })

  it('gives a new peer its share', async () => {
    await cluster.start(3)
    await cluster.settled()

    const out = await run('fill-it', { HOST: hostOf(0) })

    const [, planned, moved] = /then 15\n(\d+) of 30 pins would move\n.* not counted\ndone: (\d+) pins moved\n$/.exec(out) ?? assert.fail(out)
    assert.ok(Number(planned) >= 15)
    assert.equal(moved, planned)
    assert.equal(await allocated(cluster.id(3)), 15)
    await pollUntil(async () => await pinnedOn(0, 1, 2, 3) === 2 * pins, { what: 'two copies of each' })
  })

  it('takes a peer out, and takes it back', async () => {
    const out = await run('take-it-out', { HOST: hostOf(0), PEER: cluster.id(3) })
    const during = await allocated(cluster.id(3))
    await cluster.at(3).end()
    await cluster.start(3)
    const back = await run('take-it-back', { HOST: hostOf(0), PEER: cluster.id(3) })

    assert.match(out, /node-3 \(12D3\w+\) holds nothing that only it has: it may be stopped \(15 pins moved\)/)
    assert.match(back, /cancelled: 15 pins have moved, 0 stay/)
    assert.equal(during, 0)
    assert.equal(await pinnedOn(0, 1, 2), 2 * pins)
  })

  it('takes a peer out for good', async () => {
    await run('take-it-out', { HOST: hostOf(0), PEER: cluster.id(3) })
    await cluster.at(3).end()
    await run('forget-it', { HOST: hostOf(0), PEER: cluster.id(3) })

    assert.equal(await pinnedOn(0, 1, 2), 2 * pins)
  })

  it('gives the pins of a dead peer to others', async () => {
    await cluster.start(3)
    await cluster.settled()
    await cluster.at(2).end('SIGKILL')
    const dead = cluster.id(2)
    const lost = await allocated(dead)
    await pollUntil(
      async () => !(await (await fetch(`${cluster.at(0).url}/peers`)).text()).includes(`"id":"${dead}"`),
      { withinMs: 60_000, what: 'the end of the ping' }
    )

    const missing = await run('what-is-missing', { HOST: hostOf(0) })
    await run('give-its-pins-to-others', { HOST: hostOf(0), PEER: dead })

    assert.match(missing, new RegExp(`${dead} +node-2 .*the peer is missing`))
    assert.ok(lost > 0)
    assert.equal(await allocated(dead), 0)
    await pollUntil(async () => await pinnedOn(0, 1, 3) === 2 * pins, { withinMs: 60_000, what: 'two copies of each' })
  })
})
