import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { FollowDeps } from '../../../cmd/helia-cluster-follow/deps.ts'
import { followerApi } from '../../../cmd/helia-cluster-follow/follow-run.ts'
import { runFollow } from '../../../cmd/helia-cluster-follow/main.ts'
import type { DaemonDeps } from '../../../cmd/helia-cluster-service/daemon.ts'
import { version } from '../../../cmd/helia-cluster-service/version.ts'
import { runImport } from '../../../cmd/helia-cluster-service/state.ts'
import { defaultServiceJson } from '../../../src/config/default-json.ts'
import { isClusterError } from '../../../src/base/errors.ts'
import type { NodeInit } from '../../../src/node/node-contract.ts'
import { fakeTerminal } from '../../support/terminal.ts'

const varied = new URL('../../vectors/state/export-varied.json', import.meta.url).pathname
const url = 'http://127.0.0.1:1/service.json'
const secret = '00'.repeat(32)
const served = (change: (json: any) => void = () => {}): string => {
  const json = defaultServiceJson({ profile: 'test', variables: { CLUSTER_SECRET: secret } })
  change(json)
  return JSON.stringify(json)
}

describe('helia-cluster-follow', () => {
  let parent: string
  let source: string | undefined
  let running: Partial<Awaited<ReturnType<ReturnType<FollowDeps['client']>['id']>>> | undefined
  let nodeInit: NodeInit | undefined

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'helia-cluster-follow-'))
    source = served()
    running = undefined
    nodeInit = undefined
  })
  afterEach(async () => { await rm(parent, { recursive: true, force: true }) })

  const fetch: FollowDeps['fetch'] = async () => source == null ? { status: 404, text: 'gone' } : { status: 200, text: source }
  const sourceOf = async (name: string): Promise<string> => JSON.parse(await readFile(join(parent, name, 'service.json'), 'utf8')).source

  async function run (argv: string[], variables: Record<string, string> = {}): Promise<{ exitCode: number, out: string, err: string }> {
    const terminal = fakeTerminal({ variables: { IPFS_CLUSTER_LOG_LEVEL: 'error', ...variables } })
    const daemon: DaemonDeps = {
      terminal,
      fetch,
      loadNode: async () => async init => {
        nodeInit = init
        return { addresses: {}, stop: async () => {}, failed: Promise.reject(new Error('over')) }
      },
      onSignal: () => () => {},
      onFault: () => () => {},
      endBySignal: () => {}
    }
    const deps: FollowDeps = {
      terminal,
      fetch,
      client: () => ({
        id: async () => running as any ?? Promise.reject(new Error('nobody is there')),
        statuses: async function * () {
          yield { cid: 'bafy1', name: 'one', peer_map: { me: { status: 'pinned', error: '' } } } as any
          yield { cid: 'bafy2', name: 'two', peer_map: { me: { status: 'pin_error', error: 'no luck' } } } as any
        }
      }),
      isKuboOnline: async () => true,
      daemon: async () => daemon
    }
    return { exitCode: await runFollow(['--config', parent, ...argv], deps), ...terminal.printed }
  }

  it('tells help from the name of a cluster, and unknown commands', async () => {
    const [help, unknown, command] = await Promise.all([run(['help']), run(['c1', 'lst']), run(['c1', 'help', 'run'])])

    assert.match(help.out, /^Usage: helia-cluster-follow \[global/)
    assert.deepEqual(unknown, { exitCode: 3, out: '', err: "No help topic for 'lst'\nDid you mean 'list'?\n" })
    assert.match(command.out, /^Usage: helia-cluster-follow c1 run/)
  })

  it('makes a folder that points to the source, once', async () => {
    const first = await run(['c1', 'init', url])
    const second = await run(['c1', 'init', url])

    assert.equal(first.exitCode, 0)
    assert.match(first.out, /follower peer initialized/)
    assert.equal(await readFile(join(parent, 'c1', 'service.json'), 'utf8'), `{\n  "source": "${url}"\n}`)
    assert.deepEqual(
      [second.exitCode, second.err],
      [1, `Configuration for this cluster already exists.\nPlease delete ${parent}/c1 if you wish to re-initialize.\n`]
    )
  })

  it('makes a URL out of a DNSLink name, with a scheme', async () => {
    await run(['c1', 'init', 'follow.example.org'])
    await run(['c2', 'init', 'follow.example.org'], { IPFS_GATEWAY: 'https://gateway.example.org' })
    await run(['c3', 'init', '--gateway', '127.0.0.1:8081', 'follow.example.org'])

    const sources = await Promise.all(['c1', 'c2', 'c3'].map(sourceOf))

    assert.deepEqual(
      sources,
      [
        'http://127.0.0.1:8080/ipns/follow.example.org', 'https://gateway.example.org/ipns/follow.example.org',
        'http://127.0.0.1:8081/ipns/follow.example.org'
      ]
    )
  })

  it('refuses names and sources that can be none, and makes nothing', async () => {
    const results = await Promise.all(
      [run(['a/b', 'init', url]), run(['..', 'init', url]), run(['c1', 'init']), run(['c1', 'init', 'ftp://x/y']), run(['c1', 'run'])]
    )

    assert.deepEqual(results.map(({ exitCode }) => exitCode), [1, 1, 1, 1, 1])
    assert.deepEqual(await readdir(parent), [])
  })

  it('refuses URLs that can not be fetched', async () => {
    for (
      const [source, why] of [
        ['http://', 'is no URL'], ['https://a b/c', 'is no URL'], ['http://[::1/x', 'is no URL'],
        ['http://me:secret@host/x', 'has a user or a password'], ['config', 'must be an http'], ['/ipns/name', 'must be an http']
      ] as const
    ) {
      const { exitCode, err } = await run(['c1', 'init', source])

      assert.equal(exitCode, 1)
      assert.ok(err.includes(why) && !err.includes('secret'), err)
    }
    assert.deepEqual(await readdir(parent), [])
  })

  it('lists the clusters that are followed', async () => {
    const none = await run([])
    await run(['b', 'init', url])
    await run(['a', 'init', url])

    const two = await run([])

    assert.match(none.out, /^No clusters configured yet!/)
    assert.match(two.out, /^Configurations found for 2 follower peers\.[^"]*helia-cluster-follow "a"\nhelia-cluster-follow "b"\n/)
  })

  it('tells whether source, peer and IPFS are there', async () => {
    await run(['c1', 'init', url])
    const offline = await run(['c1', 'info'])
    source = undefined
    running = { id: 'me', ipfs: { error: '' } as any }

    const online = await run(['c1'])

    assert.equal(
      offline.out,
      `Information about follower peer for Cluster "c1":\n\nConfig folder: ${parent}/c1\nConfig source URL: Available (${url})\nCluster Peer online: false\nIPFS peer online: false\n`
    )
    assert.match(
      online.out,
      /failed retrieving configuration source \(http:\/\/127.0.0.1:1\/service.json\)\nCluster Peer online: true\nIPFS peer online: true\n/
    )
    assert.match(online.out, /Usage: helia-cluster-follow c1/)
  })

  it('says what is wrong with what the source holds', async () => {
    await run(['c1', 'init', url])
    const lineOf = async (text: string): Promise<string | undefined> => {
      source = text
      return /Config source URL: (.*)/.exec((await run(['c1', 'info'])).out)?.[1]
    }

    assert.match(
      await lineOf('<html>not found</html>') ?? '', /^what is there is no configuration \(http:\/\/127.0.0.1:1\/service.json\): /
    )
    assert.equal(
      await lineOf('{"source":"http://127.0.0.1:1/other"}'), `what is there is no configuration (${url}): it has a source of its own`
    )
  })

  it('lists the pinset of the running follower, else that of the disk, also without the source', async () => {
    await run(['c1', 'init', url])
    const empty = await run(['c1', 'list'])
    await runImport({ folder: join(parent, 'c1'), levels: 'error', file: varied, force: true },
      {
        terminal: fakeTerminal(), fetch: async () => ({ status: 200, text: served() }), input: (async function * () {})(),
        output: async () => {}
      })
    source = undefined
    const offline = await run(['c1', 'list'])
    running = { id: 'me' }

    const online = await run(['c1', 'list'])

    assert.deepEqual(empty, { exitCode: 0, out: '', err: '' })
    assert.match(offline.out, /^offline {14}bafkreibaa7qnq5uzc3umx5ew2ijewfaom5rwns23zjyamj6lr6xa7vpkpa r33\n/)
    assert.equal(offline.out.split('\n').length, 18)
    assert.equal(online.out, `${'pinned'.padEnd(20)} bafy1 one\n${'pin_error'.padEnd(20)} bafy2 two (no luck)\n`)
  })

  it('runs a peer that only follows, with its API on a socket', async () => {
    source = served(json => {
      json.observations = { metrics: { ...json.observations.metrics, enable_stats: true } }
      json.cluster.follower_mode = false
    })

    const { out } = await run(['c1', 'run', '--init', url])

    assert.match(out, /Starting the IPFS Cluster follower peer for "c1"\.\nCTRL-C to stop it\.\n/)
    const config = nodeInit?.config
    assert.equal(config?.cluster.followerMode, true)
    assert.deepEqual(config?.rpc, { closed: ['Cluster.RepoGCLocal'] })
    assert.deepEqual(config?.api.restapi?.httpListenMultiaddress, [`/unix${parent}/c1/api-socket`])
    assert.deepEqual(config?.api.restapi?.corsAllowedOrigins, ['*'])
    assert.deepEqual(
      [config?.api.pinsvcapi, config?.api.ipfsproxy, config?.metrics.enableStats, config?.tracing.enableTracing], [null, null, false, false]
    )
  })

  it('takes the address of its API from a variable', async () => {
    await run(['c1', 'init', url])

    await run(['c1', 'run'], { CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS: '/ip4/127.0.0.1/tcp/4321' })

    assert.deepEqual(nodeInit?.config.api.restapi?.httpListenMultiaddress, ['/ip4/127.0.0.1/tcp/4321'])
  })

  it('says that a folder is too deep for a socket', () => {
    const folder = `/tmp/${'x'.repeat(120)}`

    assert.throws(
      () => followerApi({ name: 'x', folder }, {}), err => isClusterError(err, 'INVALID_ARGUMENT') && err.message.includes('shorter')
    )
  })

  it('prints version and help, and takes -c', async () => {
    const results = await Promise.all(
      [
        run(['--version']), run(['--help']), run(['c1', '--help']), run(['c1', 'run', '-h']), run(['c1', 'run', '--nope']),
        run(['-c', parent])
      ]
    )

    assert.deepEqual(results.map(({ exitCode }) => exitCode), [0, 0, 0, 0, 0, 0])
    assert.equal(results[0]?.out, `helia-cluster-follow version ${version}\n`)
    assert.match(results[4]?.out ?? '', /^Incorrect Usage: flag provided but not defined: -nope/)
    assert.match(results[5]?.out ?? '', /^No clusters configured yet!/)
  })
})
