import { closeSync, fstatSync, openSync, read, readdirSync, statSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { logRecords, loggedBatch } from './log.ts'
import type { LevelRow } from './log.ts'
import { readManifest } from './manifest.ts'
import type { TableFile } from './manifest.ts'
import { Table } from './table.ts'

/** Something in a store's folder that isn't what was written. */
export interface Fault { file: string, what: string }

/** What is expected of a store, from what is kept beside it. */
export interface Expected {
  /** The number of the last change that was synced; 0 when that isn't known. */
  sequence: number
  /** The sizes of all files, after a clean stop. */
  sizes?: ReadonlyMap<string, number>
}

/** A table that is part of the store, and the file that holds it. */
export interface LiveTable extends TableFile { file: string }

/** What the files of a store say, read without LevelDB. */
export interface Inspection {
  faults: Fault[]
  /** Part of the store, the oldest changes first. */
  tables: LiveTable[]
  logs: string[]
  /** The number of the last change. */
  lastSequence: number
  /** The end of a log that was being written when the power went: to be cut off there. `bytes`: so many go. */
  torn: { file: string, endsAt: number, bytes: number, isPlain: boolean } | undefined
}

const missingText = 'is missing'
const manifestName = /^MANIFEST-\d+$/
const logName = /^(\d+)\.log$/
const tableName = /^(\d+)\.(?:ldb|sst)$/

/**
 * Looks at a store before LevelDB opens it, which would pass over most damage without a word: a log's damaged records are dropped,
 * checksums of tables aren't looked at, and what seems to be an unfinished write at an end is cut off although it was finished. Reads
 * CURRENT, MANIFEST and logs; tables are only weighed (`tableFaults` reads them).
 */
export async function inspect (folder: string, expected: Expected): Promise<Inspection> {
  const names = namesIn(folder)
  const found: Inspection = { faults: [], tables: [], logs: [], lastSequence: 0, torn: undefined }
  const manifest = await manifestOf(folder, names, found.faults)
  if (manifest == null && found.faults.length === 0) return found
  const logs = names.filter(name => numberOf(logName, name) >= (manifest?.logNumber ?? 0)).toSorted(byNumber(logName))
  found.lastSequence = manifest?.lastSequence ?? 0
  found.tables = manifest == null
    ? await allTables(folder, names)
    : liveTables(folder, names, { tables: manifest.tables, faults: found.faults })
  found.logs = logs
  if (manifest != null && manifest.logNumber > 0 && !logs.some(name => numberOf(logName, name) === manifest.logNumber)) {
    found.faults.push({ file: logFile(manifest.logNumber), what: missingText })
  }
  for (const name of logs) await inspectLog(folder, name, { found, mayBeTorn: name === logs.at(-1), isMarked: expected.sequence > 0 })
  if (found.lastSequence < expected.sequence && found.faults.length === 0) found.faults.push(lostEnd(found, expected.sequence))
  if (expected.sizes != null) checkSizes(sizesIn(folder), expected.sizes, found.faults)
  if (found.faults.length > 0) found.torn = undefined
  if (manifest != null && found.faults.some(({ file, what }) => manifestName.test(file) || what === missingText)) {
    await takeAll(folder, names, found)
  }
  return found
}

/** The MANIFEST may name too few files: all that are there count. */
async function takeAll (folder: string, names: readonly string[], found: Inspection): Promise<void> {
  found.tables = await allTables(folder, names)
  found.logs = names.filter(name => logName.test(name)).toSorted(byNumber(logName))
}

/** Synced changes are gone: not what a power loss does. */
function lostEnd ({ torn, logs, lastSequence }: Inspection, sequence: number): Fault {
  const file = torn?.file ?? logs.at(-1) ?? 'MANIFEST'
  return {
    file,
    what: torn?.isPlain === false
      ? `a checksum is wrong at ${torn.endsAt}`
      : `the last ${sequence - lastSequence} changes are missing, which had been synced`
  }
}

/** What is wrong with these tables: nothing when all checksums are right. */
export async function tableFaults (folder: string, tables: readonly LiveTable[]): Promise<Fault[]> {
  return holdTables(folder, tables).check()
}

/** Tables that were opened for a check. `check` reads and closes them, and names what is wrong; aborted, it reads no further. */
export interface HeldTables { check (signal?: AbortSignal): Promise<Fault[]> }

/**
 * Opens tables for a check that comes later. LevelDB may have replaced them by then; their rows, and the damage with them, would go on in
 * new tables that have the right checksums.
 */
export function holdTables (folder: string, tables: readonly LiveTable[]): HeldTables {
  const held = tables.map(({ file }) => ({ file, fd: openSync(join(folder, file), 'r') }))
  return {
    check: async signal => {
      const faults: Fault[] = []
      for (const { file, fd } of held) {
        try {
          if (signal?.aborted === true) continue
          const what = await new Table(fstatSync(fd).size, readerOf(fd)).fault()
          if (what != null) faults.push({ file, what })
        } finally {
          closeSync(fd)
        }
      }
      return faults
    }
  }
}

/** A row and whether its checksum is right. */
export interface FoundRow extends LevelRow { intact: boolean }

/** All rows that can be read, in batches, older changes of a key before newer ones. */
export async function * foundRows (folder: string, { tables, logs }: Pick<Inspection, 'tables' | 'logs'>): AsyncGenerator<FoundRow[]> {
  for (const { file } of tables) {
    const handle = await open(join(folder, file), 'r').catch(missing)
    if (handle == null) continue
    try {
      yield * new Table((await handle.stat()).size, readerOf(handle.fd)).rows()
    } finally {
      await handle.close()
    }
  }
  for (const name of logs) {
    for (const { payload, intact } of logRecords(await readFile(join(folder, name)))) {
      yield loggedBatch(payload).rows.map(row => ({ ...row, intact }))
    }
  }
}

/** Names and sizes of the files that LevelDB writes and that don't change while the store is closed. */
export function sizesIn (folder: string): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const name of namesIn(folder)) {
    if (name === 'CURRENT' || [manifestName, logName, tableName].some(kind => kind.test(name))) {
      sizes.set(name, statSync(join(folder, name)).size)
    }
  }
  return sizes
}

function checkSizes (sizes: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>, faults: Fault[]): void {
  for (const [file, size] of expected) {
    const now = sizes.get(file)
    if (now !== size && !faults.some(fault => fault.file === file)) {
      faults.push({ file, what: now == null ? missingText : `has ${now} bytes, at the last stop it had ${size}` })
    }
  }
}

/** Undefined for a store that isn't there yet, or when CURRENT or MANIFEST can't be read (then there is a fault). */
async function manifestOf (
  folder: string, names: readonly string[], faults: Fault[]
): Promise<ReturnType<typeof readManifest> | undefined> {
  if (!names.includes('CURRENT')) {
    // a first start that was cut off leaves a MANIFEST alone
    if (names.some(name => logName.test(name) || tableName.test(name))) faults.push({ file: 'CURRENT', what: missingText })
    return undefined
  }
  const name = /^(MANIFEST-\d+)\n$/.exec(await readFile(join(folder, 'CURRENT'), 'latin1'))?.[1]
  if (name == null || !names.includes(name)) {
    faults.push({ file: 'CURRENT', what: 'names no file that is there' })
    return undefined
  }
  const manifest = readManifest(await readFile(join(folder, name)))
  if (!manifest.damaged && manifest.logNumber > 0) return manifest
  faults.push({ file: name, what: 'a checksum is wrong' })
  return undefined
}

function liveTables (
  folder: string, names: readonly string[], { tables, faults }: { tables: readonly TableFile[], faults: Fault[] }
): LiveTable[] {
  const live: LiveTable[] = []
  for (const table of tables) {
    const file = names.find(name => numberOf(tableName, name) === table.number)
    if (file == null) {
      faults.push({ file: `${numberText(table.number)}.ldb`, what: missingText })
      continue
    }
    const { size } = statSync(join(folder, file))
    if (size !== table.sizeBytes) faults.push({ file, what: `has ${size} bytes instead of ${table.sizeBytes}` })
    live.push({ ...table, file })
  }
  // deeper levels are older; of level 0 the higher numbers are newer
  return live.toSorted((a, b) => b.level - a.level || a.number - b.number)
}

/** Without a MANIFEST: the table with the newest change is the newest one. */
async function allTables (folder: string, names: readonly string[]): Promise<LiveTable[]> {
  const tables: Array<LiveTable & { newest: number }> = []
  for (const file of names.filter(name => tableName.test(name))) {
    const newest = await withTable(join(folder, file), async table => {
      let highest = 0
      for await (const rows of table.rows()) for (const { sequence, intact } of rows) if (intact && sequence > highest) highest = sequence
      return highest
    })
    tables.push({ level: 0, number: numberOf(tableName, file), sizeBytes: statSync(join(folder, file)).size, file, newest })
  }
  return tables.toSorted((a, b) => a.newest - b.newest)
}

interface LogContext { found: Inspection, mayBeTorn: boolean, isMarked: boolean }

async function inspectLog (folder: string, name: string, { found, mayBeTorn, isMarked }: LogContext): Promise<void> {
  const bytes = await readFile(join(folder, name))
  const records = logRecords(bytes)
  let step = records.next()
  let firstBad: number | undefined
  let goesOn = false
  for (; step.done !== true; step = records.next()) {
    const { payload, intact, offset } = step.value
    const batch = loggedBatch(payload)
    if (!intact || !batch.whole) firstBad ??= offset
    else if (firstBad == null) found.lastSequence = Math.max(found.lastSequence, batch.sequence + batch.count - 1)
    else goesOn = true
  }
  const endsAt = firstBad ?? step.value.endsAt
  if (firstBad == null && !step.value.torn) return
  // what isn't synced reaches the disk in any order: holes are only a fault where they can't be told from damage
  if (!mayBeTorn || (goesOn && !isMarked))
    found.faults.push({ file: name, what: firstBad == null ? 'is cut off' : `a checksum is wrong at ${firstBad}` })
  else found.torn = { file: name, endsAt, bytes: bytes.length - endsAt, isPlain: firstBad == null }
}

async function withTable<T> (path: string, use: (table: Table) => Promise<T>): Promise<T> {
  const file = await open(path, 'r')
  try {
    return await use(new Table((await file.stat()).size, readerOf(file.fd)))
  } finally {
    await file.close()
  }
}

function readerOf (fd: number) {
  return async (offset: number, length: number): Promise<Buffer> => {
    const into = Buffer.allocUnsafeSlow(length)
    return new Promise((resolve, reject) => read(fd, into, 0, length, offset, (err, count) => {
      if (err == null) resolve(into.subarray(0, count))
      else reject(err)
    }))
  }
}

/** Looks at names and sizes are synchronous: there are some dozens, and each costs a thread hop otherwise. */
function namesIn (folder: string): string[] {
  try { return readdirSync(folder) } catch (err) { return missing(err as NodeJS.ErrnoException) ?? [] }
}

function missing (err: NodeJS.ErrnoException): undefined {
  if (err.code !== 'ENOENT') throw err
  return undefined
}

const numberOf = (kind: RegExp, name: string): number => Number(kind.exec(name)?.[1] ?? -1)
const byNumber = (kind: RegExp) => (a: string, b: string): number => numberOf(kind, a) - numberOf(kind, b)
const numberText = (number: number): string => String(number).padStart(6, '0')
const logFile = (number: number): string => `${numberText(number)}.log`
