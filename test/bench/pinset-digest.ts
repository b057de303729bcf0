/**
 * What a change of the digest costs: `node test/bench/pinset-digest.ts [CHANGES]`. Microseconds of a core per change: the hash of the pair,
 * one SHA-256 beside it for comparison, the sums of all and of the cell, and everything with a draft for each batch of 300 and its records.
 */
import { hash } from 'node:crypto'
import { silentLogger } from '../../src/base/log.ts'
import { placeInRow, rowNameOf } from '../../src/consensus/crdt/digest/cells.ts'
import { DigestKey } from '../../src/consensus/crdt/digest/digest-key.ts'
import { RunningDigest } from '../../src/consensus/crdt/digest/running-digest.ts'
import { addPair, sumWords } from '../../src/consensus/crdt/digest/sums.ts'
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
const key = new DigestKey(undefined)
const sum = new Int32Array(sumWords)
const rows = new Map<string, Int32Array<ArrayBuffer>>()
const one = Int32Array.of(1, 2, 3, 4)
let unit = new Uint8Array(32)
let last: Int32Array = one
for (let round = 0; round < 5; round++) {
  const hashing = took(() => { for (const { key: name, is } of changes) last = key.pair(name, is) })
  const digest = new RunningDigest({ datastore, key, log: silentLogger })
  await digest.load([])
  const all = took(() => {
    for (let at = 0; at < count; at += batch) digest.draft(changes.slice(at, at + batch), ['head']).commit()
  })
  const adding = took(() => {
    for (const { key: name } of changes) {
      const rowName = rowNameOf(name)
      const row = rows.get(rowName) ?? new Int32Array(32 * sumWords)
      addPair(row, { at: placeInRow(name, rowName) * sumWords, by: 1, hash: one })
      addPair(sum, { at: 0, by: 1, hash: one })
      rows.set(rowName, row)
    }
  })
  const yardstick = took(() => { for (const { is } of changes) unit = hash('sha256', is, 'buffer') })
  console.log(
    `one sha256 of the value ${yardstick.toFixed(2)} us; hash ${hashing.toFixed(2)} us, sums ${adding.toFixed(2)} us, all with drafts and records ${all.toFixed(2)} us`
  )
}
void [unit, last]
