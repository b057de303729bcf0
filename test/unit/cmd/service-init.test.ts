import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { runProgram } from '../../../cmd/helia-cluster-service/main.ts'
import { loadFolder } from '../../../src/node/folder/folder.ts'
import { lockFolder } from '../../../src/node/folder/lock.ts'
import { newIdentity } from '../../../src/node/folder/identity.ts'
import { fakeTerminal } from '../../support/terminal.ts'
import type { FakeTerminal } from '../../support/terminal.ts'

const peer = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const address = `/ip4/127.0.0.1/tcp/9096/p2p/${peer}`

describe('helia-cluster-service init', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'init-'))
  after(() => rmSync(scratch, { recursive: true }))
  let folder = ''
  beforeEach(() => { folder = join(mkdtempSync(join(scratch, 'peer-')), 'cluster') })

  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const json = (): any => JSON.parse(read('service.json'))
  async function init (
    args: string[] = [], given: Parameters<typeof fakeTerminal>[0] = {}
  ): Promise<{ exitCode: number, terminal: FakeTerminal }> {
    const terminal = fakeTerminal(given)
    return { exitCode: await runProgram(['-c', folder, 'init', ...args], terminal), terminal }
  }

  for (const profile of ['public', 'test']) {
    it(`makes a folder of the ${profile} profile that loads`, async () => {
      const { exitCode } = await init(['--profile', profile])

      const loaded = await loadFolder(folder, { variables: {}, fetch: async () => { throw new Error('no network') } })
      assert.equal(exitCode, 0)
      assert.deepEqual(loaded.warnings, [])
      assert.equal(loaded.config.cluster.peername, hostname())
      assert.equal(loaded.config.cluster.secret?.reveal().length, 32)
      assert.equal(loaded.config.ipfs.kind, 'helia')
    })
  }

  it('lets only this user read', async () => {
    await init()

    const modes = [
      '', 'service.json', 'identity.json', 'ipfs-identity.json', 'peerstore'
    ].map(name => (statSync(join(folder, name)).mode & 0o777).toString(8))
    assert.deepEqual(modes, ['700', '600', '600', '600', '644'])
  })

  it('writes files in Go\'s shape and no lock stays', async () => {
    await init()

    assert.match(read('identity.json'), /^\{\n {4}"id": "12D3KooW\w+",\n {4}"private_key": "[\w+/]+={0,2}"\n\}$/)
    assert.match(read('service.json'), /^\{\n {2}"cluster": \{\n {4}"peername": .*[^\n]$/s)
    assert.equal(read('peerstore'), '')
    assert.equal(existsSync(join(folder, 'cluster.lock')), false)
  })

  it('asks before it overwrites, and leaves everything when the answer is no', async () => {
    await init()
    const before = read('service.json')

    const declined = await init([], { answers: ['n'] })
    const silent = await init([])

    assert.deepEqual([declined.exitCode, silent.exitCode], [0, 0])
    assert.deepEqual(declined.terminal.asked, ['The configuration file will be overwritten. Continue? [y/n]: '])
    assert.equal(read('service.json'), before)
  })

  it('overwrites with yes or -f, and keeps the identity', async () => {
    await init(['--peers', address])
    const [config, identity] = [read('service.json'), read('identity.json')]

    await init([], { answers: ['y'] })
    const second = read('service.json')
    await runProgram(['-c', folder, '-f', 'init'], fakeTerminal())

    assert.notEqual(second, config)
    assert.notEqual(read('service.json'), second)
    assert.equal(read('identity.json'), identity)
    assert.equal(read('peerstore'), '')
  })

  it('is refused while a peer runs on the folder', async () => {
    await init()
    const before = read('service.json')
    const lock = lockFolder(folder)

    const { exitCode, terminal } = await init(['-f'])

    lock.release()
    assert.equal(exitCode, 1)
    assert.match(terminal.printed.err, /^error obtaining execution lock: /)
    assert.equal(read('service.json'), before)
  })

  it('takes variables into the file; --custom-secret wins over its variable', async () => {
    const variables = {
      CLUSTER_SECRET: 'ab'.repeat(32), CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS: '/ip4/127.0.0.1/tcp/1234', CLUSTER_PEERNAME: 'anna'
    }

    await init(['-s'], { variables, answers: ['cd'.repeat(32)] })

    assert.equal(json().cluster.secret, 'cd'.repeat(32))
    assert.equal(json().cluster.peername, 'anna')
    assert.equal(json().api.restapi.http_listen_multiaddress, '/ip4/127.0.0.1/tcp/1234')
  })

  it('changes nothing when a variable or the secret is wrong', async () => {
    const badVariable = await init([], { variables: { CLUSTER_REPLICATIONFACTORMIN: 'x' } })
    const badSecret = await init(['-s'], { answers: ['short'] })

    assert.deepEqual([badVariable.exitCode, badSecret.exitCode], [1, 1])
    assert.match(badVariable.terminal.printed.err, /^error creating configuration: CLUSTER_REPLICATIONFACTORMIN \(.*\) is "x"/)
    assert.ok(!badSecret.terminal.printed.err.includes('short'))
    assert.equal(existsSync(folder), false)
  })

  it('knows and trusts the peers of --peers', async () => {
    const { exitCode } = await init(['--peers', `${address},${address}`])

    assert.equal(exitCode, 0)
    assert.deepEqual(json().consensus.crdt.trusted_peers, [peer])
    assert.deepEqual(json().cluster.peer_addresses, [])
    assert.equal(read('peerstore'), `${address}\n${address}\n`)
  })

  it('takes the identity of the variables', async () => {
    const identity = newIdentity()

    await init([], { variables: { CLUSTER_ID: identity.id, CLUSTER_PRIVATEKEY: Buffer.from(identity.privateKey).toString('base64') } })

    assert.equal(JSON.parse(read('identity.json')).id, identity.id)
    assert.ok(!read('service.json').includes(identity.id))
  })

  it('listens on free ports with --randomports', async () => {
    await init(['--profile', 'test', '--randomports'])

    const ports = [...read('service.json').matchAll(/127\.0\.0\.1\/tcp\/(\d+)/g)].map(found => Number(found[1]))
    assert.ok([9094, 9095, 9096, 9097, 4001, 8080].every(port => !ports.includes(port)))
    assert.ok(ports.length >= 6)
  })

  it('points to a source', async () => {
    const { exitCode } = await init(['http://127.0.0.1:1/service.json'])

    assert.equal(exitCode, 0)
    assert.equal(read('service.json'), '{\n  "source": "http://127.0.0.1:1/service.json"\n}')
    assert.ok(existsSync(join(folder, 'identity.json')))
  })

  it('takes Go\'s names of datastores and writes level', async () => {
    const { exitCode } = await init(['--datastore', 'badger3', '--consensus', 'crdt'])

    assert.equal(exitCode, 0)
    assert.deepEqual(json().datastore, { level: {} })
  })

  for (const args of [
    ['--consensus', 'raft'], ['--consensus', 'x'], ['--datastore', 'x'], ['--profile', 'x'], ['--peers', '/ip4/1.2.3.4/tcp/1'], ['ftp://x']
  ]) {
    it(`refuses ${args.join(' ')} in one line`, async () => {
      const { exitCode, terminal } = await init(args)

      assert.equal(exitCode, 1)
      assert.match(terminal.printed.err, /^error [^\n]+\n$/)
      assert.equal(existsSync(folder), false)
    })
  }
})
