import { randomBytes } from 'node:crypto'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import type { Worker } from '../../base/worker.ts'

const MiB = 1024 * 1024

/**
 * LevelDB needs two times its write buffer to open after a torn log: 32 MiB for the pinset. As much again to copy what lives in a segment.
 */
const largestBytes = 64 * MiB
const shareOfDisk = 1 / 8
const chunkBytes = MiB

export interface FileReserveInit {
  /** The peer's folder, which is there. */
  folder: string
  /** Default: 64 MiB, on a small disk an eighth of it. */
  sizeBytes?: number
}

export interface FileReserveDeps {
  log: Logger
  /** Default: the machine's disk. */
  disk?: (folder: string) => Promise<{ freeBytes: number, sizeBytes: number }>
}

/** A reserve with the worker that takes it: the disk may fill up while the peer runs, and get room again. */
export interface KeptReserve extends DiskReserve, Startable {
  readonly upkeep: Worker
  start (): Promise<void>
}

/** The reserve in a file `reserve` of a peer's folder. `start` gives it up at once on a full disk: opening databases needs room. */
export function fileReserve (init: FileReserveInit, deps: FileReserveDeps): KeptReserve { return new FileReserve(init, deps) }

/**
 * A store that the reserve lets open on a disk that somebody fills while the peer starts: it is given up, and the store starts once more;
 * also when another store that starts beside it was first.
 */
export function opensInReserve (store: Startable, reserve: Pick<DiskReserve, 'giveUp' | 'sizeBytes'>): Startable {
  return {
    name: store.name,
    start: async signal => {
      try {
        await store.start(signal)
      } catch (err) {
        if (!isClusterError(err, 'STORAGE_FULL') || reserve.sizeBytes() === 0) throw err
        await reserve.giveUp()
        await store.start(signal)
      }
    },
    drain: async () => store.drain?.(),
    stop: async () => store.stop()
  }
}

class FileReserve implements KeptReserve {
  readonly name = 'disk reserve'
  readonly upkeep: Worker
  readonly #init: FileReserveInit
  readonly #deps: FileReserveDeps
  readonly #path: string
  #sizeBytes = 0
  #heldBytes = 0
  readonly #mutex = new Mutex()

  constructor (init: FileReserveInit, deps: FileReserveDeps) {
    this.#init = init
    this.#deps = deps
    this.#path = join(init.folder, 'reserve')
    // not at the start, which has enough to do
    this.upkeep = { name: this.name, intervalMs: () => 2000, jitter: 0.2, runAtStart: false, work: async () => this.#upkeep() }
  }

  async start (): Promise<void> {
    const { freeBytes, sizeBytes } = await this.#disk()
    this.#heldBytes = await stat(this.#path).then(({ size }) => size, () => 0)
    this.#sizeBytes = this.#init.sizeBytes ?? Math.floor(Math.min(largestBytes, sizeBytes * shareOfDisk) / chunkBytes) * chunkBytes
    if (freeBytes < this.#marginBytes()) await this.giveUp()
  }

  async stop (): Promise<void> { await this.#mutex.idle() }

  sizeBytes (): number { return this.#sizeBytes }
  lackBytes (): number { return Math.max(0, this.#sizeBytes - this.#heldBytes) }
  async freeBytes (): Promise<number> { return (await this.#disk()).freeBytes }

  async giveUp (): Promise<void> {
    await this.#mutex.run(async () => {
      if (this.#heldBytes === 0) return
      this.#heldBytes = 0
      await rm(this.#path, { force: true })
      this.#deps.log.warn(
        'the disk is full: the reserve is released for unpinning and collecting garbage; adds and pins are refused until there is room again',
        this.#facts()
      )
    }).catch((err: unknown) => this.#deps.log.error('the reserve of a full disk can not be released', { ...this.#facts(), err }))
  }

  async checkRoom (): Promise<void> {
    if (this.lackBytes() === 0 || await this.freeBytes() >= this.lackBytes()) return
    throw new ClusterError(
      'STORAGE_FULL', { folder: this.#init.folder },
      { message: `the disk of ${this.#init.folder} is full: free some space there, or unpin content and collect garbage` }
    )
  }

  async #upkeep (): Promise<'idle'> {
    if (this.lackBytes() === 0 || await this.freeBytes() < this.lackBytes() + this.#marginBytes()) return 'idle'
    await this.#mutex.run(async () => this.#take())
    return 'idle'
  }

  /** Random bytes: file systems that compress keep nothing for zeros. What can't be written whole isn't kept. */
  async #take (): Promise<void> {
    const chunk = randomBytes(chunkBytes)
    const file = await open(this.#path, 'w', 0o600)
    try {
      for (let at = 0; at < this.#sizeBytes; at += chunk.length) await file.write(chunk, 0, Math.min(chunk.length, this.#sizeBytes - at))
      // the file system may give the room only now; and what waits to be written would slow everybody's syncs
      await file.datasync()
      this.#heldBytes = this.#sizeBytes
    } catch (err) {
      await file.truncate(0)
      throw err
    } finally {
      await file.close()
    }
    this.#deps.log.debug('disk space is reserved', this.#facts())
  }

  #marginBytes (): number { return this.#sizeBytes / 2 }
  #facts (): { folder: string, bytes: number } { return { folder: this.#init.folder, bytes: this.#sizeBytes } }

  async #disk (): Promise<{ freeBytes: number, sizeBytes: number }> { return (this.#deps.disk ?? diskOf)(this.#init.folder) }
}

async function diskOf (folder: string): Promise<{ freeBytes: number, sizeBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}
