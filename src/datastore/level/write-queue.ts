import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChainedBatch, ClassicLevel } from 'classic-level'
import type { Write } from '../datastore.ts'

/** The library's database with this project's keys and values. */
export type Level = ClassicLevel<string, Uint8Array>

interface WaitingBatch { writes: readonly Write[], sync: boolean, resolve: () => void, reject: (err: unknown) => void }

/** More than LevelDB's own files need besides the rows. */
const headroomBytes = 1024 * 1024
/** A change that changes nothing. */
const nothing: Write = { key: '\u0000', value: undefined }
const logFile = /^(\d+)\.log$/

export interface WriteQueueDeps {
  /** Called after each write with the number of its changes. `synced`: the disk has them and all before. */
  written (changes: number, synced: boolean): void
}

/**
 * Batches of one LevelDB, in the order of the calls: LevelDB itself would run concurrent ones in any order. What arrives while one is
 * written is joined into the next, so that several callers share one sync.
 *
 * A failed write (a full disk) may leave the log torn, and LevelDB would go on writing behind the tear, where nothing is found after a
 * crash. So the next write first makes LevelDB begin a new log, or is refused.
 */
export class WriteQueue {
  readonly #level: Level
  readonly #written: WriteQueueDeps['written']
  #waiting: WaitingBatch[] = []
  #running: Promise<void> | undefined
  #isTorn = false
  #reopening: Promise<void> | undefined
  #isUnsynced = false
  #openings = 1

  constructor (level: Level, { written }: WriteQueueDeps) {
    this.#level = level
    this.#written = written
  }

  /** Resolves when the batch is written (with `sync`: to the disk). */
  add (writes: readonly Write[], sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes, sync, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async drained (): Promise<void> { await this.#running }

  /** How often the database was opened. */
  get openings (): number { return this.#openings }

  /** Resolves when the database isn't being opened again. What goes wrong is told to who writes. */
  async opened (): Promise<void> { await this.#reopening?.catch(() => {}) }

  /** Everything written so far is on the disk. */
  async synced (): Promise<void> {
    if (this.#isUnsynced) await this.add([nothing], true)
  }

  async #run (): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0)
      try {
        if (this.#isTorn) await this.#startNewLog()
        await this.#write(group)
        for (const { resolve } of group) resolve()
      } catch (err) {
        this.#isTorn = true
        for (const { reject } of group) reject(err)
      }
    }
    this.#running = undefined
  }

  async #write (group: readonly WaitingBatch[]): Promise<void> {
    const sync = group.some(one => one.sync)
    const isEmpty = group.every(({ writes }) => writes.length === 0)
    if (isEmpty && !sync) return
    // change by change: a list of objects takes LevelDB's binding several times as long to read
    const batch = this.#level.batch()
    // LevelDB syncs nothing for an empty batch
    if (isEmpty) put(batch, nothing)
    for (const { writes } of group) for (const write of writes) put(batch, write)
    const { length } = batch
    await batch.write({ sync })
    this.#isUnsynced = !sync
    this.#written(length, sync)
  }

  /** Reads go on meanwhile, except when LevelDB has given up writing altogether and must be opened again. */
  async #startNewLog (): Promise<void> {
    const before = await logsOf(this.#level.location)
    await this.#tryRoom(before.sizeBytes + headroomBytes)
    // an empty range: all that happens is that the rows in memory go to a table and a new log begins
    if (this.#level.status === 'open') await this.#level.compactRange('\u0000', '\u0000')
    if ((await logsOf(this.#level.location)).newest === before.newest) {
      this.#reopening = this.#reopen(before.sizeBytes).finally(() => { this.#reopening = undefined })
      await this.#reopening
    }
    this.#isTorn = false
  }

  /** An opening that fails would end the reads too, until the next write tries again. */
  async #reopen (logBytes: number): Promise<void> {
    await this.#tryRoom(2 * logBytes + 4 * headroomBytes)
    this.#openings++
    await this.#level.close()
    await this.#level.open()
  }

  /** Fails when there isn't that much room. */
  async #tryRoom (bytes: number): Promise<void> {
    const trial = join(this.#level.location, 'trial.tmp')
    try {
      const file = await open(trial, 'w')
      try {
        const chunk = Buffer.alloc(headroomBytes)
        for (let left = bytes; left > 0; left -= chunk.length) await file.write(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
    } finally {
      await rm(trial, { force: true })
    }
  }
}

function put (batch: ChainedBatch<Level, string, Uint8Array>, { key, value }: Write): void {
  if (value === undefined) batch.del(key)
  else batch.put(key, value)
}

/** The number of the newest log (-1 without any) and the size of all. */
async function logsOf (folder: string): Promise<{ newest: number, sizeBytes: number }> {
  const logs = { newest: -1, sizeBytes: 0 }
  for (const name of await readdir(folder)) {
    const number = logFile.exec(name)?.[1]
    if (number == null) continue
    logs.newest = Math.max(logs.newest, Number(number))
    logs.sizeBytes += (await stat(join(folder, name))).size
  }
  return logs
}
