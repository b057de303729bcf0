import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { oneAhead } from '../../base/read-ahead.ts'
import { TextChunks } from '../../base/text/text-chunks.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { cidOfPinKey, pinKey } from '../../wire/pin-key.ts'
import type { PinState, PinsOptions, StateListOptions } from '../consensus.ts'
import { pinsetRemedy } from './digest/running-digest.ts'
import * as layout from './layout.ts'
import { readablePin } from './value-changes.ts'
import { readableRecord, visibleValue } from './value-record.ts'

export interface PinStateInit {
  /** Asked for each time; without it the stored counter is read. */
  size?: () => number
  /** Told of what can't be read. */
  unreadable?: (key: string) => void
}

/** The pinset in a datastore. */
export function pinState (datastore: Datastore, { size, unreadable = () => {} }: PinStateInit = {}): PinState {
  const stored: Stored = { datastore, unreadable }
  return {
    get: cid => storedPin(stored, cid),
    has: cid => hasPin(datastore, cid),
    wasUnpinned: async cid => wasUnpinned(datastore, cid),
    pins: options => pins(stored, options),
    jsonLines: options => jsonLines(datastore, options),
    lines: options => lines(datastore, options),
    size: size ?? (() => layout.numberOf(datastore.get(layout.sizeRecord) ?? layout.numberBytes(0)))
  }
}

interface Stored { datastore: Datastore, unreadable: (key: string) => void }

/** What a row says of a pin: it, nothing, or what nobody can read. `known`: the key's CID. */
function pinOf (key: string, bytes: Uint8Array | undefined, known?: CID): Pin | 'unreadable' | undefined {
  if (bytes == null) return undefined
  const record = readableRecord(bytes)
  if (record == null) return 'unreadable'
  const value = visibleValue(record)
  const cid = known ?? cidOfPinKey(key)
  return value == null || cid == null ? undefined : readablePin(value, cid) ?? 'unreadable'
}

function storedPin ({ datastore, unreadable }: Stored, cid: CID): Pin | undefined {
  const key = pinKey(cid)
  const pin = pinOf(key, datastore.get(layout.valueRecord(key)), cid)
  if (pin !== 'unreadable') return pin
  unreadable(key)
  throw notReadable(cid)
}

const notReadable = (cid: CID | undefined): ClusterError =>
  new ClusterError('INVALID_DATA', { cid: String(cid) }, { message: `the pin ${String(cid)} can not be read from the disk` })

function hasPin (datastore: Datastore, cid: CID): boolean {
  const bytes = datastore.get(layout.valueRecord(pinKey(cid)))
  if (bytes == null) return false
  const record = readableRecord(bytes)
  return record == null || visibleValue(record) != null
}

/** A tombstone stays for ever; before there is one the journal has the removal. */
async function wasUnpinned (datastore: Datastore, cid: CID): Promise<boolean> {
  const key = pinKey(cid)
  const record = datastore.get(layout.valueRecord(key))
  if (record != null && readableRecord(record)?.overlay?.remove === true) return true
  for await (const keys of datastore.keys(layout.tombstonesOf(key))) if (keys.length > 0) return true
  return false
}

async function * pins ({ datastore, unreadable }: Stored, { whole = false, ...options }: PinsOptions = {}): AsyncGenerator<Pin[]> {
  for await (const rows of datastore.entries(layout.allValues, options)) {
    const batch: Pin[] = []
    for (const [record, bytes] of rows) {
      const key = layout.pinKeyOf(record)
      const pin = pinOf(key, bytes)
      if (pin === 'unreadable') unreadable(key)
      else if (pin != null) batch.push(pin)
      if (pin === 'unreadable' && whole) throw notReadable(cidOfPinKey(key))
    }
    if (batch.length > 0) yield batch
  }
}

async function * lines (datastore: Datastore, options: StateListOptions = {}): AsyncGenerator<string[]> {
  for await (const rows of datastore.texts(layout.allRows, options)) yield rows.map(([, line]) => line)
}

async function * jsonLines (datastore: Datastore, options: StateListOptions = {}): AsyncGenerator<Uint8Array> {
  const chunks = new TextChunks()
  for await (const rows of oneAhead(datastore.texts(layout.allRows, options))) {
    for (const [, line] of rows) {
      const full = chunks.add(line)
      if (full != null) yield full
    }
    const rest = chunks.rest()
    if (rest != null) yield rest
  }
}

export interface UnreadableValuesDeps { datastore: Pick<Datastore, 'get'>, log: Logger }

/** More are found by the lists that come once these can be read. */
const mostNoted = 100

/** Values of the pinset that nobody can read: the disk has changed them, or a newer program wrote them. Lists go on without them. */
export class UnreadableValues {
  readonly #deps: UnreadableValuesDeps
  readonly #keys = new Set<string>()

  constructor (deps: UnreadableValuesDeps) { this.#deps = deps }

  /** Says so once. */
  note (key: string): void {
    if (this.#keys.has(key) || this.#keys.size >= mostNoted) return
    this.#keys.add(key)
    this.#deps.log.error(
      `a pin can not be read from the disk, and lists go without it. The other peers have it: ${pinsetRemedy}`,
      { cid: cidOfPinKey(key)?.toString() }
    )
  }

  /** Whether any is still on the disk: what is written anew can be read again. */
  areLeft (): boolean {
    for (const key of this.#keys) if (pinOf(key, this.#deps.datastore.get(layout.valueRecord(key))) !== 'unreadable') this.#keys.delete(key)
    return this.#keys.size > 0
  }
}
