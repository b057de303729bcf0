import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { defaultServiceJson, exampleServiceJson } from '../../../src/config/default-json.ts'
import { configReference } from '../../../src/config/reference.ts'

describe('the configuration that init writes', () => {
  it('has nothing in the test profile that leaves the machine', () => {
    const file: any = defaultServiceJson({ profile: 'test', variables: {} })

    const addresses = [...JSON.stringify(file).matchAll(/\/(?:ip4|ip6|dns\w*)\/([^/"]+)/g)].map(found => found[1])
    assert.deepEqual([...new Set(addresses)], ['127.0.0.1'])
    assert.deepEqual(file.ipfs_connector.helia.bootstrap, [])
    assert.equal(file.ipfs_connector.helia.dht, 'off')
    assert.equal(file.ipfs_connector.helia.provide, 'off')
    assert.equal(file.cluster.mdns_interval, '0s')
  })

  it('has the sections and shapes that scripts edit', () => {
    const file: any = defaultServiceJson({ profile: 'test', variables: {} })

    assert.ok(Array.isArray(file.ipfs_connector.helia.listen_multiaddress))
    assert.equal(file.api.restapi.http_listen_multiaddress, '/ip4/127.0.0.1/tcp/9094')
    assert.ok(Object.values(file.informer).every((informer: any) => typeof informer.metric_ttl === 'string'))
    assert.deepEqual(file.datastore, { level: {} })
  })

  it('keeps variables, but not the identity', () => {
    const file: any = defaultServiceJson({
      profile: 'public',
      variables: { CLUSTER_RESTAPI_HEADERS: 'X-A:1', CLUSTER_FOLLOWERMODE: 'true', CLUSTER_ID: 'x', CLUSTER_PRIVATEKEY: 'y' }
    })

    assert.deepEqual(file.api.restapi.headers, { 'X-A': ['1'] })
    assert.equal(file.cluster.follower_mode, true)
    assert.equal(file.cluster.id ?? file.cluster.private_key, undefined)
  })

  it('is service.json.example (node scripts/write-config-files.ts writes it)', () => {
    const written = readFileSync(new URL('../../../service.json.example', import.meta.url), 'utf8')

    assert.equal(written, exampleServiceJson())
  })

  it('has a reference with a row for every key', () => {
    const reference = configReference()

    assert.match(reference, /\| `connection_manager\.high_water` \| `400` \|.*\| `CLUSTER_CONNECTIONMANAGER_HIGHWATER` \|/)
    assert.match(reference, /\| `storage_max` \| `"10GB"` \|.*\| `CLUSTER_HELIA_STORAGEMAX` \|/)
  })
})
