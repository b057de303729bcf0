import { readFileSync, statSync } from 'node:fs'
import { mkdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { ClusterError } from '../../base/errors.ts'
import { StoreMark } from '../../leveldb/mark.ts'
import { faultsText, finishRescue, rescue, rescueFolder } from '../../leveldb/rescue.ts'
import type { FreshStore, Rescued } from '../../leveldb/rescue.ts'
import { holdTables, inspect, sizesIn, tableFaults } from '../../leveldb/store-files.ts'
import type { Fault, FoundRow, Inspection } from '../../leveldb/store-files.ts'
import { damageRow } from '../datastore.ts'
import type { DamageReport } from '../datastore.ts'
import type { LevelDatastoreDeps, LevelDatastoreInit } from './level-datastore.ts'

/** Tables up to so many bytes in all are read before a store is opened: that takes some milliseconds. */
const readAtOnceBytes = 4 * 1024 * 1024

/** The files of one LevelDB store: looked at before each opening, made anew when they are damaged. */
export class LevelFiles {
  readonly mark: StoreMark
  readonly #init: LevelDatastoreInit
  readonly #deps: LevelDatastoreDeps
  readonly #abort = new AbortController()
  #check: ((signal?: AbortSignal) => Promise<Fault[]>) | undefined
  #checking: Promise<void> | undefined

  constructor (init: LevelDatastoreInit, deps: LevelDatastoreDeps) {
    this.#init = init
    this.#deps = deps
    this.mark = new StoreMark(init.folder)
  }

  /** Before LevelDB opens the folder. What is damaged is put aside, and what can be read of it is in a new store. */
  async prepare (): Promise<void> {
    const { folder } = this.#init
    if (this.#isInUse()) return
    await finishRescue(folder)
    const found = await this.#inspected()
    if (found.faults.length > 0) {
      await this.#rescue(found)
      const { lastSequence } = await inspect(folder, { sequence: 0 })
      return this.mark.begin(lastSequence)
    }
    if (found.torn != null) await this.#cutOff(found.torn)
    if (found.logs.length > 0) await this.mark.begin(found.lastSequence)
    else await this.#beginFresh()
  }

  /** Reads the tables that were only weighed. */
  checkLater (): void {
    const check = this.#check
    if (check == null) return
    this.#check = undefined
    this.#checking = this.#checkTables(check).catch(err => this.#deps.log.error('the tables of a datastore could not be checked', { folder: this.#init.folder, err }))
  }

  async logBytes (): Promise<number> {
    const sizes = await sizesIn(this.#init.folder)
    return [...sizes].reduce((sum, [name, size]) => sum + (name.endsWith('.log') ? size : 0), 0)
  }

  /** Ends the check. */
  async settled (): Promise<void> {
    this.#abort.abort()
    await this.#checking
  }

  async #beginFresh (): Promise<void> {
    await mkdir(this.#init.folder, { recursive: true })
    await this.mark.begin(0)
  }

  /** Who has the store open isn't disturbed: LevelDB refuses the opening that follows. */
  #isInUse (): boolean {
    try {
      return readFileSync('/proc/locks', 'latin1').includes(`:${statSync(join(this.#init.folder, 'LOCK')).ino} `)
    } catch {
      return false
    }
  }

  async #inspected (): Promise<Inspection> {
    const { folder, readAtOnce = readAtOnceBytes } = this.#init
    const expected = await this.mark.expected()
    const found = await inspect(folder, expected)
    found.faults.push(...expected.suspected)
    if (found.faults.length > 0) return found
    const bytes = found.tables.reduce((sum, table) => sum + table.sizeBytes, 0)
    // after an unclean stop all is read: what may have ended the process must not end it again
    if (bytes <= readAtOnce || expected.sizes == null) found.faults.push(...await tableFaults(folder, found.tables))
    else this.#check = await holdTables(folder, found.tables)
    return found
  }

  async #checkTables (check: (signal?: AbortSignal) => Promise<Fault[]>): Promise<void> {
    const faults = await check(this.#abort.signal)
    const { folder } = this.#init
    if (faults.length === 0) return this.#deps.log.debug('the tables of a datastore are as they were written', { folder })
    await this.mark.suspect(faults)
    const message = `the datastore ${folder} is damaged (${faultsText(faults)}); the next start makes a new one of what can be read`
    this.#deps.log.error(message)
    this.#deps.damaged?.(new ClusterError('INVALID_DATA', { folder, damaged: true }, { message }))
  }

  async #cutOff ({ file, endsAt, bytes, isPlain }: NonNullable<Inspection['torn']>): Promise<void> {
    const { folder } = this.#init
    const facts = { folder, file, bytes }
    if (isPlain) this.#deps.log.debug('a write that was cut off is left out', facts)
    else this.#deps.log.warn('the end of a log is not readable and is cut off: it had not been synced when the peer or the machine was stopped', facts)
    await truncate(join(folder, file), endsAt)
  }

  async #rescue (found: Inspection): Promise<void> {
    const { folder } = this.#init
    const { log, clock, proven } = this.#deps
    const at = new Date(clock.now()).toISOString()
    const keptAt = `${folder}.damaged-${at.replaceAll(':', '-')}`
    const what = faultsText(found.faults)
    log.error(`the datastore ${folder} is damaged (${what}): a new one is made of what can be read, the damaged files are kept in ${keptAt}`)
    const isProven = (row: FoundRow): boolean => row.value != null && proven?.(row.key.toString('latin1'), row.value) === true
    const report = ({ rows, doubtful }: Rescued): FoundRow[] => {
      const content: DamageReport = { at, folder, keptAt, what, rows, doubtful }
      return [{ key: Buffer.from(damageRow), value: Buffer.from(JSON.stringify(content)), intact: true }]
    }
    const rescued = await rescue({ folder, keptAt, proven: isProven }, found, async () => this.#fresh(), report)
    log.error('the datastore has been made anew', { folder, keptAt, ...rescued })
  }

  async #fresh (): Promise<FreshStore> {
    const { folder, writeBufferBytes, cacheBytes } = this.#init
    const level = new ClassicLevel<Buffer, Buffer>(rescueFolder(folder), { keyEncoding: 'buffer', valueEncoding: 'buffer', writeBufferSize: writeBufferBytes, cacheSize: cacheBytes })
    await level.open()
    const write = async (rows: readonly FoundRow[], sync = false): Promise<void> => {
      await level.batch(rows.map(({ key, value }) => value == null ? { type: 'del' as const, key } : { type: 'put' as const, key, value }), { sync })
    }
    return {
      write: async rows => write(rows),
      close: async () => {
        await write([{ key: Buffer.from([0]), value: undefined, intact: true }], true)
        await level.close()
      }
    }
  }
}
