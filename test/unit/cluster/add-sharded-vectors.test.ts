import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createSharder } from '../../../src/importer/sharder.ts'
import type { AddedOutput, UploadEntry } from '../../../src/model/add.ts'
import { addedOutputJson } from '../../../src/model/add.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { importCar, importEntries } from '../../support/imports.ts'
import { clusterOf } from '../../support/cluster/cluster-of.ts'
import { addParams, factors } from '../../support/cluster/values.ts'

interface RecordedAdd {
  name: string
  input: { filename: string, length: number }
  query: Record<string, string>
  output: Array<Record<string, unknown>>
  trailerError?: string
  pinsCreated: Array<Record<string, unknown>>
}

const recorded = JSON.parse(readFileSync(new URL('../../vectors/add/sharded.json', import.meta.url), 'utf8')) as RecordedAdd[]

async function * pattern ({ filename, length }: RecordedAdd['input']): AsyncGenerator<UploadEntry> {
  yield { kind: 'file', path: filename, content: (async function * () { yield Uint8Array.from({ length }, (_, at) => at % 251) })() }
}

const paramsOf = (query: Record<string, string>): ReturnType<typeof addParams> => {
  const cidVersion = Number(query['cid-version'] ?? 0)
  return addParams({ shard: true, cidVersion, rawLeaves: cidVersion > 0, ...query['chunker'] == null ? {} : { chunker: query['chunker'] } },
    { ...factors(1), name: query['name'] ?? '', shardSize: Number(query['shard-size']) })
}

const withoutHolders = (line: AddedOutput): Record<string, unknown> => addedOutputJson({ ...line, allocations: [] })

const pinRow = (
  { cid, name, type, maxDepth, reference, shardSize, mode, replicationFactorMin, replicationFactorMax }: Pin
): Record<string, unknown> => ({
  cid: cid.toString(),
  name,
  type,
  max_depth: maxDepth,
  reference: reference?.toString() ?? null,
  shard_size: shardSize,
  mode,
  replication_factor_min: replicationFactorMin,
  replication_factor_max: replicationFactorMax
})

const byCid = (rows: Array<Record<string, unknown>>): Array<Record<string, unknown>> =>
  rows.toSorted((a, b) => String(a['cid']) < String(b['cid']) ? -1 : 1)

describe('sharded adds as Go answered them', () => {
  for (const { name, input, query, output, trailerError, pinsCreated } of recorded) {
    it(name, async () => {
      const made = await clusterOf(1, { importers: { unixfs: importEntries, car: importCar, sharder: createSharder } })
      const lines: Array<Record<string, unknown>> = []
      let fault = ''

      try {
        for await (const line of made.peerAt(0).cluster.add(pattern(input), paramsOf(query))) lines.push(withoutHolders(line))
      } catch (err) {
        fault = (err as Error).message
      }
      await made.close()

      assert.deepEqual([lines, fault], [output, trailerError ?? ''])
      assert.deepEqual(byCid([...made.pinset.pins.values()].map(pinRow)), byCid(pinsCreated))
    })
  }
})
