import type { CID } from '../../model/cid.ts'
import { pinText } from '../../model/pin-json.ts'
import type { Pin } from '../../model/pin.ts'
import type { Write } from '../../datastore/datastore.ts'
import { decodePin } from '../../wire/pin.ts'
import type { StoredPin } from '../../wire/pin.ts'
import type { PinsetChange } from '../consensus.ts'
import type { PairChange } from './digest/digest-sums.ts'
import { rowRecord, valueRecord } from './layout.ts'
import { encodeValueRecord, unreadableRecord, visibleValue } from './value-record.ts'
import type { ValueRecord, Version } from './value-record.ts'

export interface ValueChangesDeps {
  record (key: string): ValueRecord
  /** The CID of a valid pin key. */
  cidOf (key: string): CID
  /** Whether the pin has a line in lists: it does while users see it. */
  hasRow (key: string): boolean
  /** Whether the disk may have lost values: what has a line in lists counts, then, also without one. */
  isRepair?: boolean
  /** What some values say, by key. */
  pins?: ReadonlyMap<string, StoredPin> | undefined
}

/** The pin in stored bytes; undefined when they are none. */
export function readablePin (value: Uint8Array, cid: CID): Pin | undefined {
  try { return decodePin(value, cid) } catch { return undefined }
}

/** The pin's line in lists. A piece of Node's pool of buffers, which takes a quarter of what one of its own does: to be written soon. */
export const jsonRow = (pin: Pin): Uint8Array => Buffer.from(`${pinText(pin)}\n`)

const isSame = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one === other || (one != null && other != null && Buffer.compare(one, other) === 0)

/**
 * What a batch has looked at, and what it makes of it. `pin`: the last one that was decoded, out of the bytes `value`: the same bytes are
 * looked at for validity and for the row.
 */
interface Entry { before: ValueRecord, after: ValueRecord, isTouched: boolean, value: Uint8Array | undefined, pin: Pin | undefined }

/** Gathers the changes of one batch to values, and what of them users see. */
export class ValueChanges {
  readonly #deps: ValueChangesDeps
  readonly #seen = new Map<string, Entry>()

  constructor (deps: ValueChangesDeps) { this.#deps = deps }

  /** The key's record with the changes so far. */
  current (key: string): ValueRecord { return this.#entry(key).after }

  setVersion (key: string, version: Version | undefined): void {
    const entry = this.#entry(key)
    entry.isTouched = true
    entry.after = { version, isPin: version != null && this.#pin(key, version.value, entry) != null, overlay: entry.after.overlay }
  }

  setOverlay (key: string, overlay: ValueRecord['overlay']): void {
    const entry = this.#entry(key)
    entry.isTouched = true
    entry.after = { version: entry.after.version, isPin: entry.after.isPin, overlay }
  }

  /** The batch's writes, the changes that users see, by how many pins the pinset grew, and what the CRDT itself has now. */
  finish (): { writes: Write[], changes: PinsetChange[], growth: number, pairs: PairChange[] } {
    const result = { writes: [] as Write[], changes: [] as PinsetChange[], growth: 0, pairs: [] as PairChange[] }
    for (const [key, entry] of this.#seen) {
      if (!entry.isTouched) continue
      const { before, after } = entry
      result.writes.push({ key: valueRecord(key), value: encodeValueRecord(after) })
      if (before === unreadableRecord) result.pairs.push({ key, was: undefined, is: after.version?.value, wasUnreadable: true })
      else if (!isSame(before.version?.value, after.version?.value)) {
        result.pairs.push({ key, was: before.version?.value, is: after.version?.value })
      }
      const [was, is] = [visibleValue(before), visibleValue(after)]
      // a pin that is damaged on the disk, or gone from it, counts still
      const isLost = was == null && (before === unreadableRecord || this.#deps.isRepair === true)
      const wasThere = was != null || (isLost && this.#deps.hasRow(key))
      if (isSame(was, is) && wasThere === (is != null)) continue
      const pin = is == null ? undefined : this.#pin(key, is, entry)
      result.writes.push({ key: rowRecord(key), value: pin == null ? undefined : jsonRow(pin) })
      result.changes.push({ cid: this.#deps.cidOf(key), pin })
      result.growth += (is == null ? 0 : 1) - (wasThere ? 1 : 0)
    }
    return result
  }

  #entry (key: string): Entry {
    const known = this.#seen.get(key)
    if (known != null) return known
    const before = this.#deps.record(key)
    const entry: Entry = { before, after: before, isTouched: false, value: undefined, pin: undefined }
    this.#seen.set(key, entry)
    return entry
  }

  #pin (key: string, value: Uint8Array, entry: Entry): Pin | undefined {
    const known = this.#deps.pins?.get(key)
    if (known?.value === value) return known.pin
    if (entry.value !== value) {
      entry.pin = readablePin(value, this.#deps.cidOf(key))
      entry.value = value
    }
    return entry.pin
  }
}
