import { DigestSums } from '../../src/consensus/crdt/digest/digest-sums.ts'
import { sumText } from '../../src/consensus/crdt/digest/pair-vector.ts'
import { allValues, pinKeyOf } from '../../src/consensus/crdt/layout.ts'
import { decodeValueRecord } from '../../src/consensus/crdt/value-record.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'

/** The digest of the rows on a disk, counted one by one. */
export async function countedDigest (datastore: Datastore): Promise<{ pins: number, digest: string }> {
  const sums = new DigestSums()
  for await (const rows of datastore.entries(allValues)) {
    for (const [record, bytes] of rows) sums.change({ key: pinKeyOf(record), was: undefined, is: decodeValueRecord(bytes).version?.value })
  }
  return { pins: sums.pins, digest: sumText(sums.sum) }
}
