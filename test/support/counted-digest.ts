import { DigestSums } from '../../src/consensus/crdt/digest/digest-sums.ts'
import { DigestKey } from '../../src/consensus/crdt/digest/digest-key.ts'
import { allValues, pinKeyOf } from '../../src/consensus/crdt/layout.ts'
import { decodeValueRecord } from '../../src/consensus/crdt/value-record.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'

/** The digest of the rows on a disk, counted one by one. `key`: by default that of a cluster without a secret. */
export async function countedDigest (datastore: Datastore, key = new DigestKey(undefined)): Promise<{ pins: number, digest: string }> {
  const sums = new DigestSums(key)
  for await (const rows of datastore.entries(allValues)) {
    for (const [record, bytes] of rows) sums.change({ key: pinKeyOf(record), was: undefined, is: decodeValueRecord(bytes).version?.value })
  }
  return { pins: sums.pins, digest: key.told(sums.total) }
}
