import { isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { damageOf, damageRow } from '../../datastore/datastore.ts'
import type { DamageReport, Datastore, KeyRange, Write } from '../../datastore/datastore.ts'
import { blockKey, cidOfBlockKey, decodeCrdtBlock, isBlockKey, readableCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Delta } from '../../wire/delta.ts'
import { cidOfPinKey } from '../../wire/pin-key.ts'
import { storedRecord } from './merge-batch.ts'
import * as layout from './layout.ts'
import { bestVersion } from './merge.ts'
import { isIntact } from './repair.ts'
import { jsonRow, readablePin } from './value-changes.ts'
import { encodeValueRecord, visibleValue } from './value-record.ts'
import type { ValueRecord, Version } from './value-record.ts'

/** What is known of damage that the pinset had: the datastore's report, and what was left of the pinset. */
export interface PinsetDamage extends DamageReport {
  /** Blocks that are known to be missing now. */
  lostBlocks: number
  pins: number
  /** Pins before, if the counter could be read. */
  pinsBefore: number | null
}

const mark = new Uint8Array(0)
const rowsPerWrite = 1000
/**
 * Only while a pinset is rebuilt: `l<id>` a block that is linked, by the one whose id is the value; `x<key><id>` what that block says of
 * the key, so that no block is read for each of its keys; `y<key>` a key whose value has been entered.
 */
const linkRecord = (id: string): string => `l${id}`
const saysRecord = (key: string, id: string): string => `x${key}${id}`
const allLinks = { from: 'l/', before: 'l0' }
const enteredRecord = (key: string): string => `y${key}`
const allSays = { from: 'x/', before: 'x0' }
const allEntered = { from: 'y/', before: 'y0' }
const idsIn = { from: 't/', before: 't0' }
const elementsIn = { from: 'e/', before: 'e0' }

/** The damage that users are still to be told of; undefined without any. */
export function pinsetDamageOf (datastore: Datastore): PinsetDamage | undefined {
  const row = datastore.get(layout.damagedRecord)
  return row == null ? undefined : JSON.parse(layout.textOf(row)) as PinsetDamage
}

/**
 * After damage of the datastore: derives everything again from the CRDT's blocks, whose hashes prove them. What a block says that is lost
 * stays as it was stored, if it was; the block goes on record as missing, to be fetched from other peers. Idempotent: cut off, it begins
 * again at the next start. Resolves with whether it had to.
 */
export async function rebuildIfDamaged (datastore: Datastore, log: Logger): Promise<boolean> {
  const report = damageOf(datastore)
  if (report == null) return false
  log.debug('the pinset is rebuilt from its blocks', { keptAt: report.keptAt })
  const sizeRow = datastore.get(layout.sizeRecord)
  const pinsBefore = sizeRow == null ? null : layout.numberOf(sizeRow)
  const writer = new Writer(datastore)
  for (const range of [layout.allRows, allLinks, allSays, allEntered]) await removeAll(range, { datastore, writer })
  await enterBlocks(datastore, writer)
  await enterJournaled(datastore, writer)
  await voidVersions(datastore, writer)
  const lostBlocks = await enterEdge(datastore, writer)
  const pins = await enterValues(datastore, writer)
  for (const range of [allLinks, allSays, allEntered]) await removeAll(range, { datastore, writer })
  const damage: PinsetDamage = { ...report, lostBlocks, pins, pinsBefore }
  await datastore.write([
    { key: layout.sizeRecord, value: layout.numberBytes(pins) },
    { key: layout.damagedRecord, value: layout.textBytes(JSON.stringify(damage)) },
    { key: layout.digestRecord, value: undefined },
    { key: damageRow, value: undefined }
  ], { sync: true })
  log.error(`the pinset has been rebuilt: ${damageText(damage)}`, { keptAt: report.keptAt })
  return true
}

/** For logs and people: what may be gone, and from where it comes back. */
export function damageText ({ pins, pinsBefore, lostBlocks }: PinsetDamage): string {
  const fewer = pinsBefore == null ? 'how many there were is not known' : `there were ${pinsBefore}`
  const blocks = lostBlocks === 0 ? 'no block is known to be missing' : `${lostBlocks} blocks are missing`
  return `${pins} pins (${fewer}), ${blocks}; what is missing comes from the other peers. Without any, compare with a backup, and restore it with \`state import\``
}

/** Gathers writes. */
class Writer {
  readonly #datastore: Datastore
  #writes: Write[] = []

  constructor (datastore: Datastore) { this.#datastore = datastore }

  async add (writes: Iterable<Write>): Promise<void> {
    for (const write of writes) this.#writes.push(write)
    if (this.#writes.length >= rowsPerWrite) await this.flush()
  }

  async flush (): Promise<void> {
    const writes = this.#writes
    this.#writes = []
    if (writes.length > 0) await this.#datastore.write(writes)
  }
}

async function removeAll (
  range: { from: string, before: string }, { datastore, writer }: { datastore: Datastore, writer: Writer }
): Promise<void> {
  for await (const keys of datastore.keys(range)) await writer.add(keys.map(key => ({ key, value: undefined })))
  await writer.flush()
}

/** Marks of merged blocks, versions, voids and links, out of every block that is what its hash says. Others are removed. */
async function enterBlocks (datastore: Datastore, writer: Writer): Promise<void> {
  for await (const rows of datastore.entries(layout.allBlocks)) {
    for (const [record, bytes] of rows) {
      const id = layout.idOf(record)
      const block = isBlockKey(id) && isIntact(id, bytes) ? readableCrdtBlock(cidOfBlockKey(id), bytes) : undefined
      await writer.add(block == null ? [{ key: record, value: undefined }] : entriesOf(block, datastore))
    }
  }
  await writer.flush()
}

function * entriesOf ({ cid, delta, links }: CrdtBlock, datastore: Datastore): Generator<Write> {
  const id = blockKey(cid)
  yield { key: layout.mergedRecord(id), value: mark }
  for (const link of links) yield { key: linkRecord(blockKey(link)), value: layout.textBytes(id) }
  for (const { key, id: void_ } of delta.tombstones) {
    if (cidOfPinKey(key) != null && isBlockKey(void_)) yield { key: layout.tombstoneRecord(key, void_), value: mark }
  }
  for (const [key, values] of valuesByKey(delta)) {
    if (cidOfPinKey(key) == null) continue
    yield { key: layout.elementRecord(key, id), value: layout.numberBytes(delta.priority) }
    yield { key: saysRecord(key, id), value: chosen(values, { key, priority: delta.priority, datastore }) }
  }
}

function valuesByKey ({ elements }: Delta): Map<string, Uint8Array[]> {
  const values = new Map<string, Uint8Array[]>()
  for (const { key, value } of elements) {
    const known = values.get(key)
    if (known == null) values.set(key, [value])
    else known.push(value)
  }
  return values
}

/** What a block says of a key. When it says several things, the stored one is what other peers chose, too. */
function chosen (
  values: readonly Uint8Array[], { key, priority, datastore }: { key: string, priority: number, datastore: Datastore }
): Uint8Array {
  const [first = mark] = values
  if (values.length === 1) return first
  const { version } = storedOrNothing(datastore, key)
  const isStored = version?.priority === priority && values.some(value => Buffer.compare(value, version.value) === 0)
  return isStored && version != null ? version.value : values.reduce((best, value) => Buffer.compare(value, best) > 0 ? value : best)
}

/** What waits for its block was acknowledged over these versions: lost with their blocks, they would come back unvoided, or on top of it. */
async function enterJournaled (datastore: Datastore, writer: Writer): Promise<void> {
  await eachRow(datastore, layout.allJournal, async (record, row) => {
    const versions = layout.versionsUnder(row).filter(({ id, priority }) => isBlockKey(id) && priority > 0)
    await writer.add(versions.map(({ id, priority }) => (
      { key: layout.elementRecord(layout.pinKeyOf(record), id), value: layout.numberBytes(priority) }
    )))
  })
  await writer.flush()
}

async function voidVersions (datastore: Datastore, writer: Writer): Promise<void> {
  for await (const keys of datastore.keys(idsIn)) await writer.add(keys.map(record => ({ key: `e${record.slice(1)}`, value: undefined })))
  await writer.flush()
}

/**
 * Heads are the blocks that nobody links, wants the links that aren't here. A block that is gone and that no other one links is known by
 * what else it left: its row as a head, its mark, its versions. It stays a head, so that the next change is above what it brought. Resolves
 * with how many blocks are gone.
 */
async function enterEdge (datastore: Datastore, writer: Writer): Promise<number> {
  const isHere = (id: string): boolean => datastore.has(layout.blockRecord(id))
  const isLinked = (id: string): boolean => datastore.has(linkRecord(id))
  const wanted = (id: string): Write => ({ key: layout.missingRecord(id), value: layout.textBytes(id) })
  await eachRow(datastore, layout.allHeads, async (record, priority) => {
    const id = layout.idOf(record)
    if (!isBlockKey(id) || isLinked(id) || !isReadable(priority)) await writer.add([{ key: record, value: undefined }])
    else if (!isHere(id)) await writer.add([wanted(id)])
  })
  await writer.flush()
  await eachRow(datastore, layout.allMerged, async record => {
    const id = layout.idOf(record)
    if (isHere(id)) return
    await writer.add([{ key: record, value: undefined }])
    if (isLinked(id) || !isBlockKey(id)) return
    await writer.add([wanted(id)])
    if (!datastore.has(layout.headRecord(id))) await writer.add([{ key: layout.headRecord(id), value: unknownHeight }])
  })
  await eachRow(datastore, elementsIn, async (record, priority) => {
    const id = layout.idOf(record)
    if (isBlockKey(id) && !isHere(id) && !isLinked(id)) await writer.add([wanted(id), { key: layout.headRecord(id), value: priority }])
  })
  await eachRow(datastore, layout.allBlocks, async (record, bytes) => {
    const id = layout.idOf(record)
    if (!isLinked(id)) {
      await writer.add([{
        key: layout.headRecord(id), value: layout.numberBytes(decodeCrdtBlock(cidOfBlockKey(id), bytes).delta.priority)
      }])
    }
  })
  await eachRow(datastore, allLinks, async (record, root) => {
    if (!isHere(record.slice(1))) await writer.add([{ key: layout.missingRecord(record.slice(1)), value: root }])
  })
  await writer.flush()
  let lost = 0
  await eachRow(datastore, layout.allMissing, async record => {
    if (isHere(layout.idOf(record))) await writer.add([{ key: record, value: undefined }])
    else lost++
  })
  await writer.flush()
  return lost
}

async function eachRow (datastore: Datastore, range: KeyRange, see: (record: string, value: Uint8Array) => Promise<void>): Promise<void> {
  for await (const rows of datastore.entries(range)) for (const [record, value] of rows) await see(record, value)
}

/** Of a head of which nothing but its mark is left, until it comes: the heads that are here are higher. */
const unknownHeight = layout.numberBytes(1)

const isReadable = (priority: Uint8Array): boolean => layout.numberOf(priority) > 0

/** The value of each key, its line in lists, and how many there are. */
async function enterValues (datastore: Datastore, writer: Writer): Promise<number> {
  let pins = 0
  const enter = async (key: string, versions: ReadonlyMap<string, number>): Promise<void> => {
    const { writes, isPin } = valueWrites(key, { versions, datastore })
    if (isPin) pins++
    await writer.add([...writes, { key: enteredRecord(key), value: mark }])
  }
  // keys of which nothing but a value is left come later
  for await (const { key, versions } of liveVersions(datastore)) await enter(key, versions)
  await writer.flush()
  for await (const keys of datastore.keys(layout.allValues)) {
    for (const record of keys) {
      const key = layout.pinKeyOf(record)
      if (!datastore.has(enteredRecord(key))) await enter(key, new Map())
    }
  }
  await writer.flush()
  return pins
}

async function * liveVersions (datastore: Datastore): AsyncGenerator<{ key: string, versions: Map<string, number> }> {
  let current: { key: string, versions: Map<string, number> } | undefined
  for await (const rows of datastore.entries(elementsIn)) {
    for (const [record, value] of rows) {
      const id = layout.idOf(record)
      const key = record.slice(1, -id.length)
      if (cidOfPinKey(key) == null || !isBlockKey(id)) continue
      if (current?.key !== key) {
        if (current != null) yield current
        current = { key, versions: new Map() }
      }
      current.versions.set(id, layout.numberOf(value))
    }
  }
  if (current != null) yield current
}

function valueWrites (
  key: string, { versions, datastore }: { versions: ReadonlyMap<string, number>, datastore: Datastore }
): { writes: Write[], isPin: boolean } {
  const cid = cidOfPinKey(key)
  const stored = storedOrNothing(datastore, key)
  if (cid == null) return { writes: [{ key: layout.valueRecord(key), value: undefined }], isPin: false }
  const version = valueOf(key, { versions, datastore, stored })
  const after: ValueRecord = {
    version,
    isPin: version != null && readablePin(version.value, cid) != null,
    overlay: datastore.has(layout.journalRecord(key)) ? stored.overlay : undefined
  }
  const visible = visibleValue(after)
  const pin = visible == null ? undefined : readablePin(visible, cid)
  return {
    writes: [
      { key: layout.valueRecord(key), value: encodeValueRecord(after) },
      { key: layout.rowRecord(key), value: pin == null ? undefined : jsonRow(pin) }
    ],
    isPin: pin != null
  }
}

interface Known { versions: ReadonlyMap<string, number>, datastore: Datastore, stored: ValueRecord }

/** The best of the versions whose blocks are here; a stored one that came from a lost block above them counts. */
function valueOf (key: string, { versions, datastore, stored }: Known): Version | undefined {
  const height = Math.max(0, ...versions.values())
  const lost = [...versions].filter(([id]) => !datastore.has(saysRecord(key, id)))
  const highestLost = Math.max(0, ...lost.map(([, priority]) => priority))
  if (lost.length > 0 && highestLost === height && stored.version?.priority === height) return stored.version
  for (const at of [...new Set(versions.values())].toSorted((a, b) => b - a)) {
    const found = [...versions].flatMap(([id, priority]) => priority === at ? datastore.get(saysRecord(key, id)) ?? [] : [])
    if (found.length > 0) return bestVersion(found.map(value => ({ priority: at, value })))
  }
  return undefined
}

function storedOrNothing (datastore: Datastore, key: string): ValueRecord {
  try {
    return storedRecord(datastore, key)
  } catch (err) {
    if (!isClusterError(err, 'INVALID_DATA')) throw err
    return { version: undefined, isPin: false, overlay: undefined }
  }
}
