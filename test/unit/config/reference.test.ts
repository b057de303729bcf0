import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { defaultServiceJson } from '../../../src/config/default-json.ts'
import { configReference } from '../../../src/config/reference.ts'
import { readServiceConfig } from '../../../src/config/service-json.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('keys that do nothing here', () => {
  const warningsOf = (change: (json: any) => void, variables: Record<string, string> = {}): string[] => {
    const json: any = defaultServiceJson({ profile: 'public', variables: { CLUSTER_SECRET: '00'.repeat(32) } })
    change(json)
    return readServiceConfig(json, { variables, hostName: 'here' }).warnings
  }

  it('load in silence with what init writes', () => {
    const warnings = warningsOf(() => {})

    assert.deepEqual(warnings, [])
  })

  it('give a reason when they are set', () => {
    const warnings = warningsOf(json => {
      json.cluster.resource_manager.memory_limit_bytes = 1
      json.consensus.crdt.datastore_namespace = '/mine'
    }, { CLUSTER_PEERWATCHINTERVAL: '1m' })

    const keys = warnings.map(warning => warning.split(' has no effect here: ')[0])
    assert.deepEqual(
      keys,
      [
        'cluster.resource_manager.memory_limit_bytes', 'CLUSTER_PEERWATCHINTERVAL (cluster.peer_watch_interval)',
        'consensus.crdt.datastore_namespace'
      ]
    )
  })
})

describe('the reference of configuration keys', () => {
  it('is up to date: node scripts/write-config-files.ts', () => {
    const written = read('docs/reference/config.md')

    assert.equal(written, configReference())
  })

  it('names every variable of Go but those of the engines that are not here', () => {
    const reference = configReference()
    const known = JSON.parse(read('test/vectors/config/env-vars.json')) as Array<{ env: string }>

    const missing = known.map(({ env }) => env).filter(
      name => !/^CLUSTER_(RAFT|BADGER3?|LEVELDB|PEBBLE|NUMPIN)_/.test(name) && !reference.includes(`\`${name}\``)
    )

    assert.deepEqual(missing, [])
  })
})
