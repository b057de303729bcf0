/**
 * What a change of the digest costs: `node test/bench/pinset-digest.ts [CHANGES]`. Microseconds of a core per change: the hash of the pair,
 * one SHA-256 beside it for comparison, and everything else (the sums of all and of the cell, a draft for each batch of 300). Then the same
 * pins through a consensus, with and without the digest.
 */
import { hash } from 'node:crypto'
import { silentLogger } from '../../src/base/log.ts'
import { RunningDigest } from '../../src/consensus/crdt/digest/running-digest.ts'
import { add, cellWords, pairVector, passingPairVector, vectorWords } from '../../src/consensus/crdt/digest/pair-vector.ts'
import type { Vector } from '../../src/consensus/crdt/digest/pair-vector.ts'
import { cellOf } from '../../src/consensus/crdt/digest/cells.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { cidFor, pinFor } from '../support/pins.ts'

const count = Number(process.argv[2] ?? 100_000)
const batch = 300
const changes = Array.from({ length: count }, (_, at) => ({
  key: pinKey(cidFor(`pin ${at}`)), was: undefined, is: encodePin(pinFor(`pin ${at}`))
}))

function took (work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

const datastore = memoryDatastore()
await datastore.start(new AbortController().signal)
let unit = new Uint8Array(32)
for (let round = 0; round < 3; round++) {
  const vectors = changes.map(({ key, is }) => pairVector(key, is))
  const hashing = took(() => { for (const { key, is } of changes) passingPairVector(key, is) })
  const digest = new RunningDigest({ datastore, log: silentLogger })
  await digest.load([])
  const all = took(() => {
    for (let at = 0; at < count; at += batch) digest.draft(changes.slice(at, at + batch), ['head']).commit()
  })
  const sum: Vector = new Uint32Array(vectorWords)
  const cells = new Map<string, Vector>()
  const adding = took(() => {
    for (const [at, vector] of vectors.entries()) {
      const name = cellOf((changes[at] as { key: string }).key)
      const cell = cells.get(name) ?? new Uint32Array(cellWords)
      add(sum, vector)
      add(cell, vector)
      cells.set(name, cell)
    }
  })
  const yardstick = took(() => { for (const { is } of changes) unit = hash('sha256', is, 'buffer') })
  console.log(
    `one sha256 of the value ${yardstick.toFixed(2)} us; hash ${hashing.toFixed(2)} us, sums ${adding.toFixed(2)} us, all with drafts and records ${all.toFixed(2)} us`
  )
}
void unit
