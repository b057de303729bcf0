import { statSync } from 'node:fs'
import { mkdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { ClusterError, isClusterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { mayBeLocked } from './lock-holders.ts'
import { StoreMark } from './mark.ts'
import { faultsText, finishRescue } from './rescue.ts'
import { holdTables, inspect, sizesIn, tableFaults } from './store-files.ts'
import type { HeldTables, Inspection } from './store-files.ts'

/** Tables up to so many bytes in all are read before a store is opened: that takes some milliseconds. */
const readAtOnceBytes = 4 * 1024 * 1024
/** The check of larger ones waits for so long, because a start has other things to do. */
const checkDelayMs = 3000

/** How long the holder of a lock has to end. Milliseconds. */
const endingLookMs = 50
const endingLooks = 20

export interface GuardedFilesInit {
  folder: string
  /** For the log: "the datastore", "the index of blocks". */
  what: string
  /** Tables up to so many bytes are read before the store is opened, larger ones meanwhile. Default 4 MiB. */
  readAtOnce?: number | undefined
}

/** A damaged store. `keptAt`: where its files are to be put; `text`: what is wrong, in one line. */
export interface Damage { at: string, keptAt: string, text: string, found: Inspection }

/**
 * The locks of this machine as Linux lists them in /proc/locks, which is read when this isn't given; asking the kernel takes some 12 ms.
 */
export type ListLocks = () => Promise<string>

export interface GuardedFilesDeps {
  log: Logger
  clock: Pick<Clock, 'now' | 'sleep'>
  /** Puts the damaged files aside, and makes a new store or none. */
  replace (damage: Damage): Promise<void>
  /** Damage was found while the store is in use; a new start deals with it. Who is told says so in the log; without anybody, this does. */
  damaged?: ((err: ClusterError) => void) | undefined
  locks?: ListLocks | undefined
}

/** The files of one LevelDB store: looked at before each opening, replaced when they are damaged. */
export class GuardedFiles {
  readonly mark: StoreMark
  readonly #init: GuardedFilesInit
  readonly #deps: GuardedFilesDeps
  readonly #abort = new AbortController()
  #check: HeldTables | undefined
  #checking: Promise<void> | undefined
  #isUnseen = false

  constructor (init: GuardedFilesInit, deps: GuardedFilesDeps) {
    this.#init = init
    this.#deps = deps
    this.mark = new StoreMark(init.folder)
  }

  /**
   * Lets LevelDB open the folder, once that is checked and repaired. A store that seemed to be in use is looked at when it doesn't open and
   * isn't locked, and opened once more. Rejects with what `open` rejects with, or `replace`.
   */
  async opened<Store> (open: () => Promise<Store>): Promise<Store> {
    const isInUse = this.#isInUse()
    let found = await this.#inspected() // only reads
    if (await isInUse) {
      await this.#leave()
      if (await this.#staysInUse(found)) {
        this.#isUnseen = true
        try { return await open() } catch (err) { if (isLocked(err)) throw err }
        this.#isUnseen = false
      }
      found = await this.#inspected()
    }
    await this.#repair(found)
    return open()
  }

  async #repair (found: Inspection): Promise<void> {
    const { folder } = this.#init
    if (await finishRescue(folder)) found = await this.#inspected()
    if (found.faults.length > 0) await this.#replace(found)
    else if (found.torn != null) await this.#cutOff(found.torn)
    await mkdir(folder, { recursive: true })
    this.mark.begin(found.faults.length > 0 ? (await inspect(folder, { sequence: 0 })).lastSequence : found.lastSequence)
  }

  /** After LevelDB has opened the folder: reads the tables that were only weighed. */
  checkLater (): void {
    // so nobody had it open: a file of another disk has the same number. What was kept beside the store no longer tells of it
    if (this.#isUnseen) this.mark.begin(0)
    this.#isUnseen = false
    const check = this.#check
    if (check == null) return
    this.#check = undefined
    this.mark.checkBegins()
    const { folder, what } = this.#init
    this.#checking = this.#checkTables(check).catch(err => this.#deps.log.error(
      `the tables of ${what} could not be checked`, { folder, err }
    ))
  }

  logBytes (): number {
    return [...sizesIn(this.#init.folder)].reduce((sum, [name, size]) => sum + (name.endsWith('.log') ? size : 0), 0)
  }

  /** Ends the check of the tables, if one is under way. */
  async endCheck (): Promise<void> {
    this.#abort.abort()
    await this.#leave()
    await this.#checking
  }

  /** Closes the tables that were to be checked. */
  async #leave (): Promise<void> {
    const check = this.#check
    this.#check = undefined
    await check?.check(AbortSignal.abort())
  }

  /**
   * Who has the store open isn't disturbed: LevelDB refuses the opening that follows. It may say so of a store that nobody has, when
   * somebody who can't be looked into has locked a file with the same number on another disk.
   */
  async #isInUse (): Promise<boolean> {
    const mayBe = async (): Promise<boolean> => {
      const file = statSync(join(this.#init.folder, 'LOCK'))
      return mayBeLocked(file, { locks: await (this.#deps.locks?.() ?? readFile('/proc/locks', 'latin1')) })
    }
    try {
      // a holder that ended since its lock was listed can't be looked into
      return await mayBe() && await mayBe()
    } catch {
      return false
    }
  }

  /**
   * LevelDB would pass over what is wrong with a store that only seemed to be in use: who holds a lock of that number may be a process that
   * was killed and hasn't ended yet. So what is wrong is a reason to look again for a while.
   */
  async #staysInUse ({ faults, torn }: Inspection): Promise<boolean> {
    if (faults.length === 0 && torn == null) return true
    for (let looks = 0; looks < endingLooks; looks++) {
      await this.#deps.clock.sleep(endingLookMs)
      if (!await this.#isInUse()) return false
    }
    return true
  }

  async #inspected (): Promise<Inspection> {
    const { folder, readAtOnce = readAtOnceBytes } = this.#init
    const expected = this.mark.expected()
    const found = await inspect(folder, expected)
    found.faults.push(...expected.suspected)
    if (found.faults.length > 0) return found
    const bytes = found.tables.reduce((sum, table) => sum + table.sizeBytes, 0)
    // damage that ended the process before it was found must not end it again
    if (bytes <= readAtOnce || expected.isUnchecked) found.faults.push(...await tableFaults(folder, found.tables))
    else this.#check = holdTables(folder, found.tables)
    return found
  }

  async #checkTables (tables: HeldTables): Promise<void> {
    const { signal } = this.#abort
    await this.#deps.clock.sleep(checkDelayMs, signal).catch(() => {}) // then it only closes them
    const faults = await tables.check(signal)
    const { folder, what } = this.#init
    if (this.#abort.signal.aborted && faults.length === 0) return
    this.mark.checkEnded()
    if (faults.length === 0) return this.#deps.log.debug(`the tables of ${what} are as they were written`, { folder })
    await this.mark.suspect(faults)
    const message = `${what} ${folder} is damaged (${faultsText(faults)}); the next start makes a new one of what can be read`
    if (this.#deps.damaged == null) this.#deps.log.error(message)
    else this.#deps.damaged(new ClusterError('INVALID_DATA', { folder, damaged: true }, { message }))
  }

  async #cutOff ({ file, endsAt, bytes, isPlain }: NonNullable<Inspection['torn']>): Promise<void> {
    const { folder } = this.#init
    const facts = { folder, file, bytes }
    if (isPlain) this.#deps.log.debug('a write that was cut off is left out', facts)
    else this.#deps.log.warn(
      'the end of a log is not readable and is cut off: it had not been synced when the peer or the machine was stopped', facts
    )
    await truncate(join(folder, file), endsAt)
  }

  async #replace (found: Inspection): Promise<void> {
    const { folder } = this.#init
    const at = new Date(this.#deps.clock.now()).toISOString()
    await this.#deps.replace({ at, keptAt: `${folder}.damaged-${at.replaceAll(':', '-')}`, text: faultsText(found.faults), found })
  }
}

/** The errors of LevelDB are causes of those that its callers make of them. That this process holds the lock itself has no code. */
function isLocked (err: unknown): boolean {
  for (let at = err; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (code === 'LEVEL_LOCKED' || isClusterError(at, 'LOCKED') || at.message.startsWith('IO error: lock ')) return true
  }
  return false
}
