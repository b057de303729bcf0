import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { identityJson, peerIdOf } from '../../src/node/folder/identity.ts'
import { jsonLines, peerProcess, runService, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const programs = join(dirname(fileURLToPath(import.meta.url)), '../../cmd')

/** libp2p's protobuf of an RSA key. */
function rsaKey (): Uint8Array {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = privateKey.export({ format: 'der', type: 'pkcs1' })
  return Buffer.concat([Uint8Array.of(0x08, 0x00, 0x12, (der.length & 0x7f) | 0x80, der.length >> 7), der])
}

/** What scripts and packages that were written for Go's programs rely on. */
describe('a script', () => {
  let peer: PeerProcess
  beforeEach(async () => { peer = await peerProcess() })
  afterEach(async () => { await peer.remove() })

  const answers = async (path: string): Promise<any> => {
    await pollUntil(async () => (await fetch(`${peer.url}${path}`)).status === 200)
    return (await fetch(`${peer.url}${path}`)).json()
  }

  it('gets one version from all programs and from the API', async () => {
    const names = ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow']
    await peer.start()

    const printed = await Promise.all(
      names.map(async name => (await promisify(execFile)(process.execPath, [join(programs, name, 'bin.js'), '--version'])).stdout)
    )

    const versions = printed.map((text, at) => text.replace(`${names[at]} version `, '').trim())
    assert.match(versions[0] ?? '', /^1\.1\.6/)
    assert.deepEqual(new Set([...versions, (await answers('/version')).version]).size, 1)
  })

  it('sees exit code 1 without a command, and one line for an old file with raft', async () => {
    await peer.edit(json => { json.consensus = { raft: { wait_for_leader_timeout: '15s' } }; delete json.datastore })

    const nothing = await runService(['--config', peer.folder])
    // one after the other: each takes the folder's lock
    const raft = await runService(['-c', peer.folder, 'daemon'])
    const state = await runService(['-c', peer.folder, 'state', 'export'])

    assert.equal(nothing.status, 1)
    assert.deepEqual([raft.status, state.status], [1, 1])
    for (const { stderr } of [raft, state]) assert.match(stderr, /^error loading configurations: consensus\.raft is not supported[^\n]*\n$/)
  })

  it('sees all faults of a file at once, without the secret', async () => {
    let secret = ''
    await peer.edit(json => {
      secret = json.cluster.secret
      json.cluster.secret = `${secret}0`
      json.cluster.dial_peer_timeout = 'soon'
      json.pin_tracker.stateless.concurrent_pins = -1
    })

    const { status, stderr } = await runService(['-c', peer.folder, 'daemon'])

    assert.equal(status, 1)
    for (const key of ['cluster.secret', 'cluster.dial_peer_timeout', 'pin_tracker.stateless.concurrent_pins']) {
      assert.ok(stderr.includes(key), stderr)
    }
    assert.ok(!stderr.includes(secret))
  })

  it('keeps its RSA identity', async () => {
    const privateKey = rsaKey()
    const id = peerIdOf(privateKey)
    await writeFile(join(peer.folder, 'identity.json'), identityJson({ id, privateKey }))

    await peer.start()

    assert.match(id, /^Qm/)
    assert.equal((await answers('/id')).id, id)
    assert.equal(await peer.end('SIGHUP'), 0)
  })

  it('finds what it added with no-pin after a restart and a garbage collection', async () => {
    await peer.start()
    const [line] = await jsonLines(
      await fetch(
        `${peer.url}/add?no-pin=true&cid-version=1`,
        { method: 'POST', body: uploadForm([{ name: 'loose', bytes: Buffer.from('not pinned') }]) }
      )
    )
    assert.equal(await peer.end('SIGINT'), 0)

    await peer.start()
    const collected = await fetch(`${peer.url}/ipfs/gc?local=true`, { method: 'POST' })

    assert.equal(collected.status, 200)
    await pollUntil(async () => (await fetch(`${peer.gateway}/ipfs/${line.cid}`).catch(() => undefined))?.status === 200)
    assert.equal(await (await fetch(`${peer.gateway}/ipfs/${line.cid}`)).text(), 'not pinned')
    assert.equal((await fetch(`${peer.url}/allocations`)).status, 204)
  })

  it('finds imported pins pinned after the start', async () => {
    const file = join(peer.folder, 'import.json')
    await writeFile(file, '{"cid":"bafkqaala","name":"a"}\n{"cid":"bafkqaalb","name":"b"}')

    const { status } = await runService(['-c', peer.folder, 'state', 'import', '-f', file])
    await peer.start()

    assert.equal(status, 0)
    await pollUntil(async () => {
      const pins = await jsonLines(await fetch(`${peer.url}/pins?local=true`))
      return pins.length === 2 && pins.every(pin => Object.values(pin.peer_map).every((one: any) => one.status === 'pinned'))
    })
  })

  it('may keep the configuration of all peers on a server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-source-'))
    const shared = JSON.parse(await readFile(join(peer.folder, 'service.json'), 'utf8'))
    const documents: Record<string, string> = {
      '/good': JSON.stringify(shared), '/loop': '{"source":"http://127.0.0.1/other"}', '/broken': '{"cluster":'
    }
    const server = createServer(
      (request, response) =>
        response.writeHead(documents[request.url ?? ''] == null ? 404 : 200).end(documents[request.url ?? ''] ?? 'no such file')
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
    const run = async (path: string, env: NodeJS.ProcessEnv = {}) => {
      await runService(['-c', folder, 'init', '-f', url(path)])
      return runService(['-c', folder, 'state', 'export'], env)
    }

    const results = [
      await run('/good'), await run('/none'), await run('/loop'), await run('/broken'),
      await run('/good', { CLUSTER_DIALPEERTIMEOUT: 'soon' })
    ]
    await new Promise(resolve => server.close(resolve))
    const away = await runService(['-c', folder, 'state', 'export'])
    await rm(folder, { recursive: true, force: true })

    assert.deepEqual([...results, away].map(({ status }) => status), [0, 1, 1, 1, 1, 1])
    assert.match(results[1]?.stderr ?? '', /could not fetch configuration from source: .*unsuccessful request \(404\): no such file/)
    assert.match(results[2]?.stderr ?? '', /a sourced configuration cannot point to another source/)
    assert.match(results[3]?.stderr ?? '', /not valid JSON/)
    assert.match(results[4]?.stderr ?? '', /CLUSTER_DIALPEERTIMEOUT/)
    assert.match(away.stderr, /could not fetch configuration from source: http/)
  })
})
