import type { CID } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { decodePin } from '../../wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../wire/pin-key.ts'
import type { PinState, StateListOptions } from '../consensus.ts'
import * as layout from './layout.ts'
import { decodeValueRecord, visibleValue } from './value-record.ts'

const chunkBytes = 64 * 1024

/** The pinset in a datastore. `size` is asked for each time; without it the stored counter is read. */
export function pinState (datastore: Datastore, size?: () => number): PinState {
  return {
    get: cid => {
      const value = storedValue(datastore, cid)
      return value == null ? undefined : decodePin(value, cid)
    },
    has: cid => storedValue(datastore, cid) != null,
    wasUnpinned: async cid => wasUnpinned(datastore, cid),
    pins: options => pins(datastore, options),
    jsonLines: options => jsonLines(datastore, options),
    size: size ?? (() => layout.numberOf(datastore.get(layout.sizeRecord) ?? layout.numberBytes(0)))
  }
}

function storedValue (datastore: Datastore, cid: CID): Uint8Array | undefined {
  const record = datastore.get(layout.valueRecord(pinKey(cid)))
  return record == null ? undefined : visibleValue(decodeValueRecord(record))
}

/** A tombstone stays for ever; before there is one the journal has the removal. */
async function wasUnpinned (datastore: Datastore, cid: CID): Promise<boolean> {
  const key = pinKey(cid)
  const record = datastore.get(layout.valueRecord(key))
  if (record != null && decodeValueRecord(record).overlay?.remove === true) return true
  for await (const keys of datastore.keys(layout.tombstonesOf(key))) if (keys.length > 0) return true
  return false
}

async function * pins (datastore: Datastore, options: StateListOptions = {}): AsyncGenerator<Pin[]> {
  for await (const rows of datastore.entries(layout.allValues, options)) {
    const batch = rows.flatMap(([record, bytes]) => visiblePin(layout.pinKeyOf(record), bytes))
    if (batch.length > 0) yield batch
  }
}

function visiblePin (key: string, bytes: Uint8Array): Pin[] {
  const value = visibleValue(decodeValueRecord(bytes))
  const cid = value == null ? undefined : cidOfPinKey(key)
  return value == null || cid == null ? [] : [decodePin(value, cid)]
}

async function * jsonLines (datastore: Datastore, options: StateListOptions = {}): AsyncGenerator<Uint8Array> {
  for await (const rows of datastore.values(layout.allRows, options)) yield * chunks(rows)
}

/** Joins rows to chunks of about 64 KiB. */
function * chunks (rows: readonly Uint8Array[]): Generator<Uint8Array> {
  let from = 0
  let size = 0
  for (const [at, row] of rows.entries()) {
    size += row.length
    if (size < chunkBytes) continue
    yield Buffer.concat(rows.slice(from, at + 1), size)
    from = at + 1
    size = 0
  }
  if (from < rows.length) yield Buffer.concat(rows.slice(from), size)
}
