import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { messageOf } from '../../src/base/errors.ts'
import { createSharder } from '../../src/importer/sharder.ts'
import type { Pin } from '../../src/model/pin.ts'
import { defaultPinOptions } from '../../src/model/pin.ts'
import { pinText } from '../../src/model/pin-json.ts'
import { importEntries } from '../support/imports.ts'
import type { AddCase, AddLine } from '../support/add-vectors.ts'
import { dagParams, entriesOf, readAddCases } from '../support/add-vectors.ts'

const show = ({ cid, name, size }: AddLine): string => `${cid} ${name} ${size ?? 0}`

/** Where each of two top-level directories is its own DAG, as in Kubo (docs: differences from Go). */
const asKubo = ['two-dirs-default']

async function importCase (aCase: AddCase): Promise<{ lines: string[], error: string | undefined }> {
  const lines: string[] = []
  const options = { wrap: aCase.query['wrap-with-directory'] === 'true', progress: false }
  try {
    for await (const { name, cid, size } of importEntries(entriesOf(aCase), dagParams(aCase.query), { write: () => {} }, options)) {
      lines.push(show({ name, cid: String(cid), size }))
    }
  } catch (err) {
    return { lines, error: messageOf(err) }
  }
  return { lines, error: undefined }
}

for (const group of ['files', 'trees', 'large']) {
  describe(`POST /add, recorded: ${group}`, () => {
    for (const aCase of readAddCases(group)) {
      it(aCase.name, async () => {
        const expected = (asKubo.includes(aCase.name) ? aCase.kuboEqualOptions?.output ?? [] : aCase.output).map(show)

        const { lines, error } = await importCase(aCase)

        assert.equal(error, aCase.trailerError)
        if (aCase.outputDigest == null) assert.deepEqual(lines, expected)
        else assert.deepEqual(
          { lines: lines.length, sha256: hash('sha256', lines.join('\n')) },
          { lines: aCase.outputDigest.lines, sha256: aCase.outputDigest.sha256 }
        )
      })
    }
  })
}

async function importSharded (aCase: AddCase): Promise<{ lines: string[], pins: Pin[], error: string | undefined }> {
  const lines: string[] = []
  const pins: Pin[] = []
  const { query } = aCase
  const factors = { replicationFactorMin: Number(query['replication-min']), replicationFactorMax: Number(query['replication-max']) }
  const sharder = createSharder({ options: {
    ...defaultPinOptions(), ...factors, name: query.name ?? '', shardSize: Number(query['shard-size'])
  } }, {
    openShard: () => ({ write: () => {} }),
    closeShard: ({ index, cid, sizeBytes, pin }) => {
      lines.push(show({ name: `shard-${index}`, cid: String(cid), size: sizeBytes }))
      pins.push(pin)
    }
  })
  try {
    let root
    const options = { wrap: query['wrap-with-directory'] === 'true', progress: false, scratchBlocks: true }
    for await (const { name, cid, size } of importEntries(entriesOf(aCase), dagParams(query), sharder, options)) {
      root = cid
      lines.push(show({ name, cid: String(cid), size }))
    }
    assert.ok(root)
    const { cid, sizeBytes, pins: rest } = await sharder.finish(root)
    lines.push(show({ name: `${query.name}-clusterDAG`, cid: String(cid), size: sizeBytes }))
    pins.push(...rest)
  } catch (err) {
    return { lines, pins, error: messageOf(err) }
  }
  return { lines, pins, error: undefined }
}

describe('POST /add, recorded: sharded', () => {
  for (const aCase of readAddCases('sharded')) {
    it(aCase.name, async () => {
      const expectedPins = aCase.pinsCreated ?? []
      const fields = Object.keys(expectedPins[0] ?? {})

      const { lines, pins, error } = await importSharded(aCase)

      assert.equal(error, aCase.trailerError)
      assert.deepEqual(lines, aCase.output.map(show))
      const made = pins.map(pin => JSON.parse(pinText(pin))).map(json => Object.fromEntries(fields.map(field => [field, json[field]])))
      assert.deepEqual(made.toSorted(byName), expectedPins.toSorted(byName))
    })
  }
})

const byName = (a: Record<string, unknown>, b: Record<string, unknown>): number => String(a.name).localeCompare(String(b.name))
