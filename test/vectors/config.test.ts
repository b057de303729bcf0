import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { defaultServiceJson } from '../../src/config/default-json.ts'
import { isGroup } from '../../src/config/fields.ts'
import type { Fields } from '../../src/config/fields.ts'
import { inertSections, sections } from '../../src/config/sections.ts'
import { variableName } from '../../src/config/section.ts'
import { readServiceConfig } from '../../src/config/service-json.ts'
import { loadFolder } from '../../src/node/folder/folder.ts'
import { identityJson, parseIdentity } from '../../src/node/folder/identity.ts'
import { caseInputs } from './config/validation-inputs.ts'

const folder = process.env['VECTORS_DIR'] ?? import.meta.dirname
const read = (name: string): string => readFileSync(join(folder, 'config', name), 'utf8')
const goFile = read('default-service.json')
const identity = read('identity-sample.json')
const cases: Array<{ case: string, rc: number }> = JSON.parse(read('validation-cases.json'))
const variables: Array<{ env: string, key: string }> = JSON.parse(read('env-vars.json'))

describe('the recorded configurations of Go', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'config-vectors-'))
  after(() => rmSync(scratch, { recursive: true }))

  async function exitCodeOf (name: string): Promise<number> {
    const input = caseInputs[name]
    assert.ok(input != null, `no input for the case "${name}"`)
    const folder = mkdtempSync(join(scratch, 'peer-'))
    const file = input.text == null ? JSON.parse(goFile) : undefined
    input.change?.(file)
    writeFileSync(join(folder, 'service.json'), input.text ?? JSON.stringify(file))
    writeFileSync(join(folder, 'identity.json'), identity)
    const deps = { variables: input.variables ?? {}, fetch: async () => { throw new Error('connection refused') } }
    return loadFolder(folder, deps).then(() => 0, () => 1)
  }

  for (const recorded of cases) {
    it(`${recorded.case}: ${recorded.rc === 0 ? 'loads' : 'is refused'}`, async () => {
      const differs = caseInputs[recorded.case]?.differs

      const exitCode = await exitCodeOf(recorded.case)

      assert.equal(exitCode, differs == null ? recorded.rc : 1 - recorded.rc, differs)
    })
  }

  it('refuses the file of a Raft cluster, as decided', () => {
    const file = JSON.parse(read('default-service-raft.json'))

    assert.throws(
      () => readServiceConfig(file, { variables: {}, hostName: 'host' }),
      { code: 'INVALID_CONFIG', message: /consensus\.raft is not supported/ }
    )
  })

  for (const engine of ['badger', 'badger3', 'leveldb']) {
    it(`loads the file with datastore.${engine} as it is`, () => {
      const loaded = readServiceConfig(JSON.parse(read(`default-service-${engine}.json`)), { variables: {}, hostName: 'host' })

      assert.deepEqual(loaded.foreignDatastore, { engine, folder: engine })
      assert.deepEqual(loaded.warnings, [])
    })
  }

  it('has the same keys and defaults, in the same order', () => {
    const go = JSON.parse(goFile)

    const ours: any = defaultServiceJson({
      profile: 'public', variables: { CLUSTER_PEERNAME: 'example-peer', CLUSTER_SECRET: '0'.repeat(64) }
    })

    // what differs on purpose: the embedded node, its gateway, its proxy without a Kubo, and the datastore
    delete ours.api.gateway
    delete go.api.ipfsproxy.node_multiaddress
    for (const section of ['ipfs_connector', 'datastore']) {
      delete go[section]
      delete ours[section]
    }
    assert.equal(JSON.stringify(ours, null, 2), JSON.stringify(go, null, 2))
  })
})

describe('the recorded variables of Go', () => {
  const pathsOf = (fields: Fields, keys: string[] = []): string[][] =>
    Object.entries(fields).flatMap(([key, entry]) => isGroup(entry) ? pathsOf(entry.group, [...keys, key]) : [[...keys, key]])
  const known = new Map(
    [...sections, ...inertSections].flatMap(
      ({ path, fields }) => pathsOf(fields).map(keys => [`${path}.${keys.join('.')}`, variableName(path, keys)])
    )
  )

  /** Engines of Go have no section here: their variables are accepted and have no effect. The identity has its own file. */
  const isElsewhere = (key: string): boolean => /^(datastore\.(pebble|badger3?|leveldb)|\(identity\.json\))\./.test(key)

  it('has every variable of a component that exists here, under the same key', () => {
    const missing = variables.filter(({ env, key }) => !isElsewhere(key) && known.get(key) !== env)

    assert.equal(variables.length, 250)
    assert.deepEqual(missing, [])
  })

  it('accepts the variables of the engines that do not exist here', () => {
    const set = Object.fromEntries(variables.filter(({ key }) => key.startsWith('datastore.')).map(({ env }) => [env, 'x']))

    const loaded = readServiceConfig(JSON.parse(goFile), { variables: set, hostName: 'host' })

    assert.equal(loaded.config.datastore.folder, 'state')
  })

  it('acts on every variable that it knows', () => {
    const inert = new Set(inertSections.map(section => section.path))
    const file = { ...JSON.parse(goFile), api: { ...JSON.parse(goFile).api, gateway: {}, service: {}, webui: {}, webhooks: {} } }
    const silent = [...known].filter(([path]) => ![...inert].some(one => path.startsWith(`${one}.`))).filter(([, env]) => {
      try {
        const before = readServiceConfig(file, { variables: {}, hostName: 'host' })
        const set = readServiceConfig(file, { variables: { [env]: 'zzz' }, hostName: 'host' })
        return JSON.stringify(set) === JSON.stringify(before)
      } catch {
        return false
      }
    })

    // the file uses a Kubo, so keys of the embedded node that take any text are not seen
    assert.deepEqual(silent.filter(([path]) => !path.startsWith('ipfs_connector.helia.')), [])
  })
})

describe('the recorded identity of Go', () => {
  it('reads and is written back byte by byte', () => {
    const parsed = parseIdentity(identity)

    assert.equal(parsed.id, '12D3KooWBABCfUmdt6vXSjsq9ZAiTo1LuCFkdHBCA2WeKPLAj5Xy')
    assert.equal(identityJson(parsed), identity)
  })
})
