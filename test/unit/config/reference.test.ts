import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { configReference } from '../../../src/config/reference.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('the reference of configuration keys', () => {
  it('is up to date: node scripts/write-config-files.ts', () => {
    const written = read('docs/reference/config.md')

    assert.equal(written, configReference())
  })

  it('names every variable of Go but those of the engines that are not here', () => {
    const reference = configReference()
    const known = JSON.parse(read('test/vectors/config/env-vars.json')) as Array<{ env: string }>

    const missing = known.map(({ env }) => env).filter(name => !/^CLUSTER_(RAFT|BADGER3?|LEVELDB|PEBBLE|NUMPIN)_/.test(name) && !reference.includes(`\`${name}\``))

    assert.deepEqual(missing, [])
  })
})
