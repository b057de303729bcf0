import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { defaultServiceJson } from '../../../src/config/default-json.ts'
import { parseServiceJson, readServiceConfig, sourceOf } from '../../../src/config/service-json.ts'
import type { LoadedConfig } from '../../../src/config/service-json.ts'
import { quietMs } from '../../support/poll.ts'

const fresh = (): any => defaultServiceJson({ profile: 'test', variables: { CLUSTER_SECRET: 'ab'.repeat(32) } })
const load = (file: any, variables: Record<string, string> = {}): LoadedConfig =>
  readServiceConfig(file, { variables, hostName: 'this-host' })

function problemsOf (file: any, variables: Record<string, string> = {}): string {
  try {
    load(file, variables)
    return ''
  } catch (err) {
    assert.ok(isClusterError(err, 'INVALID_CONFIG'))
    return err.message
  }
}

describe('reading service.json', () => {
  it('loads what init writes', () => {
    const { config, warnings, foreignDatastore } = load(fresh())

    assert.deepEqual(warnings, [])
    assert.equal(foreignDatastore, null)
    assert.equal(config.ipfs.kind, 'helia')
    assert.equal(config.cluster.peername, 'this-host')
  })

  it('loads what the guides to peers and to queues say to write', () => {
    const shown = (path: string): string => /^```json\n([\s\S]*?)^```$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? assert.fail(path)
    const file = fresh()
    Object.assign(file.cluster, JSON.parse(`{${shown('docs/operations/peers.md')}}`))
    Object.assign(file.pin_tracker.stateless, JSON.parse(`{${shown('docs/guide/cluster.md')}}`).stateless)

    const { config, warnings } = load(file)

    assert.deepEqual(warnings, [])
    assert.deepEqual(config.cluster.healing, { afterMs: 1_800_000, maxPinsPerSecond: 20, whenBack: 'give_back' })
    assert.equal(config.cluster.disableRepinning, false)
    assert.deepEqual([...config.tracker.queues.keys()], ['urgent', 'archive', '*'])
    assert.equal(config.tracker.queues.get('archive')?.maxBytesPerSecond, 10_000_000)
  })

  it('gives durations in milliseconds and sizes in bytes', () => {
    const { config } = load(fresh())

    assert.equal(config.cluster.connectionManager.gracePeriodMs, 120_000)
    assert.equal(config.ipfs.kind === 'helia' && config.ipfs.storageMaxBytes, 10e9)
  })

  it('names the part of a map that is wrong, and shows no password', () => {
    const file = fresh()
    file.pin_tracker.stateless.queues = { urgent: { weight: 10 }, 'a b': { max_at_once: 1.5 } }
    file.pin_tracker.stateless.queue_by = ['']
    file.informer.tags = { tags: { group: 5 } }
    file.api.restapi.basic_auth_credentials = { user: 'password', other: 77 }

    const message = problemsOf(file)
    const ofVariable = problemsOf(fresh(), { CLUSTER_STATELESS_QUEUES: '{"urgent":{"weight":0}}' })

    assert.match(message, /pin_tracker\.stateless\.queues\["a b"\]\.max_at_once is 1\.5: must be a whole number of at least 0$/m)
    assert.match(message, /pin_tracker\.stateless\.queue_by\[0\] is "": must be a string that is not empty/)
    assert.match(message, /informer\.tags\.tags\.group is 5: must be a string/)
    assert.match(message, /api\.restapi\.basic_auth_credentials is a hidden value: must be/)
    assert.doesNotMatch(message, /77|password"/)
    assert.match(ofVariable, /^CLUSTER_STATELESS_QUEUES \(pin_tracker\.stateless\.queues\.urgent\.weight\) is 0: must be a number of at least 0\.01/)
  })

  it('tells all problems at once, with section, key, value and what is allowed', () => {
    const file = fresh()
    file.cluster.state_sync_interval = '1d'
    file.pin_tracker.stateless.concurrent_pins = -3
    file.ipfs_connector.helia.dht = 'maybe'

    const message = problemsOf(file)

    assert.match(message, /^3 problems:\n/)
    assert.match(message, /cluster\.state_sync_interval is "1d": must be a duration above 0/)
    assert.match(message, /pin_tracker\.stateless\.concurrent_pins is -3: must be a whole number above 0/)
    assert.match(message, /ipfs_connector\.helia\.dht is "maybe": must be "auto" or "client" or "server" or "off"/)
  })

  it('does not show a bad secret', () => {
    const file = fresh()
    file.cluster.secret = 'abcdef'
    file.api.restapi.basic_auth_credentials = { bob: 5 }

    const message = problemsOf(file, { CLUSTER_SECRET: 'fedcba' })

    assert.doesNotMatch(message, /abcdef|fedcba|bob/)
    assert.match(message, /CLUSTER_SECRET \(cluster\.secret\) is a hidden value/)
  })

  it('does not quote the file when it is not JSON', () => {
    const text = '{\n  "cluster": {\n    "secret": abababab\n  }\n}'

    assert.throws(
      () => parseServiceJson(text), (err: Error) => /not valid JSON: look near line \d/.test(err.message) && !err.message.includes('abab')
    )
  })

  it('may nest 64 values, and no more', { timeout: quietMs(5000) }, () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

    assert.ok(parseServiceJson(nested(64)))
    for (const depth of [65, 20_000]) {
      assert.throws(() => parseServiceJson(nested(depth)), { code: 'INVALID_CONFIG', message: /nested too deeply/ })
    }
  })

  it('says that a file is cut off', () => {
    assert.throws(() => parseServiceJson('{ "cluster": {'), /not valid JSON: (it ends too early|look near line 1)/)
    assert.throws(() => parseServiceJson(''), /not valid JSON: it ends too early/)
  })

  it('names the variable that is wrong', () => {
    const message = problemsOf(fresh(), { CLUSTER_CONNECTIONMANAGER_HIGHWATER: 'many' })

    assert.equal(
      message, 'CLUSTER_CONNECTIONMANAGER_HIGHWATER (cluster.connection_manager.high_water) is "many": must be a whole number above 0'
    )
  })

  it('lets variables override the file, and act on sections that are not there', () => {
    const file = fresh()
    delete file.monitor
    delete file.informer.disk

    const { config } = load(file, {
      CLUSTER_PUBSUBMON_CHECKINTERVAL: '1s', CLUSTER_HELIA_STORAGEMAX: '1GB', CLUSTER_DISK_METRICTTL: '1s', CLUSTER_STATESYNCINTERVAL: ''
    })

    assert.equal(config.monitor.checkIntervalMs, 1000)
    assert.equal(config.ipfs.kind === 'helia' && config.ipfs.storageMaxBytes, 1e9)
    assert.equal(config.informers.disk, null)
    assert.equal(config.cluster.stateSyncIntervalMs, 300_000)
  })

  it('lists unknown keys in one warning', () => {
    const file = fresh()
    file.surprise = {}
    file.cluster.connection_manager.surprise = 1
    file.api.surprise = {}

    const { warnings } = load(file)

    assert.deepEqual(
      warnings, ['service.json has keys that mean nothing here: cluster.connection_manager.surprise, api.surprise, surprise']
    )
  })

  it('reads absent booleans as false, as Go does', () => {
    const file = fresh()
    file.cluster = { secret: file.cluster.secret, listen_multiaddress: '/ip4/127.0.0.1/tcp/1' }
    file.api.restapi = {}
    file.consensus.crdt = {}

    const { config } = load(file)

    assert.equal(config.cluster.disableRepinning, false)
    assert.equal(config.cluster.enableRelayHop, false)
    assert.deepEqual(config.cluster.connectionManager, { highWater: 400, lowWater: 100, gracePeriodMs: 120_000 })
    assert.deepEqual(config.api.restapi?.corsAllowedOrigins, [])
    assert.equal(config.api.restapi?.maxHeaderBytes, 4096)
    assert.deepEqual(config.api.restapi?.httpListenMultiaddress, ['/ip4/127.0.0.1/tcp/9094'])
    assert.deepEqual(config.crdt.trustedPeers, [])
  })

  it('allocates by free space only when the section is absent', () => {
    const file = fresh()
    const present = load({ ...file, allocator: { balanced: {} } })
    const absent = load({ ...file, allocator: undefined })

    assert.deepEqual(present.config.allocator.allocateBy, ['tag:group', 'freespace'])
    assert.deepEqual(absent.config.allocator.allocateBy, ['freespace'])
  })

  it('takes an empty gateway address and empty lists of the embedded node as they are', () => {
    const file = fresh()
    Object.assign(file.ipfs_connector.helia, { gateway_multiaddress: '', listen_multiaddress: [], bootstrap: [] })

    const { ipfs } = load(file).config

    assert.ok(ipfs.kind === 'helia')
    assert.equal(ipfs.gatewayMultiaddress, '')
    assert.deepEqual(ipfs.listenMultiaddress, [])
  })

  it('lets the older key of the gateway win where it is given', () => {
    const listens = (change: (file: any) => void): readonly string[] | undefined => {
      const file = fresh()
      change(file)
      return load(file).config.api.gateway?.listenMultiaddress
    }
    const older = '/ip4/127.0.0.1/tcp/1234'

    assert.deepEqual(listens(file => { file.api.gateway.listen_multiaddress = [older] }), [older])
    assert.deepEqual(listens(file => { file.ipfs_connector.helia.gateway_multiaddress = older }), [older])
    assert.deepEqual(listens(file => { delete file.api.gateway }), ['/ip4/127.0.0.1/tcp/8080'])
    assert.equal(listens(file => { file.ipfs_connector.helia.gateway_multiaddress = '' }), undefined)
    assert.equal(listens(file => { file.api.gateway.listen_multiaddress = [] }), undefined)
    assert.equal(
      listens(file => { Object.assign(file, { api: {}, ipfs_connector: { ipfshttp: { node_multiaddress: '/ip4/127.0.0.1/tcp/5001' } } }) }),
      undefined
    )
  })

  it('refuses hosts and networks of the gateway that are none', () => {
    const problems = (settings: object): string => problemsOf({ ...fresh(), api: { gateway: settings } })

    assert.match(problems({ public_hosts: { 'exa mple.com': {} } }), /api\.gateway\.public_hosts\["exa mple\.com"\] is {}: must be under the name of a host/)
    assert.match(problems({ public_hosts: { 'example.com': { subdomain: true } } }), /public_hosts/)
    assert.match(problems({ public_hosts: { '127.0.0.1': { subdomains: true } } }), /public_hosts/)
    assert.match(problems({ trusted_proxies: ['10.0.0.0/33'] }), /api\.gateway\.trusted_proxies/)
    assert.match(problems({ first_block_timeout: '0s' }), /api\.gateway\.first_block_timeout/)
  })

  it('uses a Kubo when there is no connector, and refuses two', () => {
    const none = load({ ...fresh(), ipfs_connector: {} })
    const two = problemsOf({ ...fresh(), ipfs_connector: { helia: {}, ipfshttp: { node_multiaddress: '/ip4/127.0.0.1/tcp/5001' } } })

    assert.equal(none.config.ipfs.kind, 'ipfshttp')
    assert.match(two, /helia and ipfshttp: must be exactly one/)
  })

  it('takes a default and warns where Go swallows a bad duration', () => {
    const file = fresh()
    file.consensus.crdt.repair_interval = 'soon'

    const { config, warnings } = load(file)

    assert.equal(config.crdt.repairIntervalMs, 3_600_000)
    assert.match(warnings[0] ?? '', /consensus\.crdt\.repair_interval is "soon"/)
  })

  it('warns of an empty secret', () => {
    const file = fresh()
    file.cluster.secret = ''

    const { config, warnings } = load(file)

    assert.equal(config.cluster.secret, null)
    assert.deepEqual(warnings, ['Cluster secret is empty, cluster will start on unprotected network.'])
  })

  it('reads a source, and only an http one', () => {
    const sources = [sourceOf({ source: 'https://example.org/a.json' }), sourceOf({ source: '' }), sourceOf({})]

    assert.deepEqual(sources, ['https://example.org/a.json', undefined, undefined])
    assert.throws(() => sourceOf({ source: 'ftp://example.org' }), { code: 'INVALID_CONFIG' })
  })

  it('refuses sections that are not objects', () => {
    const message = problemsOf({ ...fresh(), api: [], monitor: { pubsubmon: 3 } })

    assert.match(message, /api is \[\]: must be an object/)
    assert.match(message, /monitor\.pubsubmon is 3: must be an object/)
  })
})
