import { close, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { ClusterError } from '../../../base/errors.ts'

const fdatasyncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

/** A file whose content can be brought to the disk. */
export interface SyncedFile {
  sync (): Promise<void>
  close (): Promise<void>
}

/** A handle that is there to sync a file; it is made when missing. */
export function syncedFile (path: string): SyncedFile {
  const descriptor = openSync(path, 'a+')
  return { sync: () => fdatasyncAsync(descriptor), close: () => closeAsync(descriptor) }
}

/**
 * Brings commits to the disk, all that were made before in one go (group commit), beside the event loop. SQLite itself would wait for the
 * disk inside of COMMIT, and everything else in this process with it.
 *
 * This holds because SQLite (WAL, synchronous=NORMAL) syncs its log before it copies from it, and the copy before it begins the log anew:
 * what was committed is always either in a log that this sync covers, or synced already.
 */
export class Durability {
  readonly #file: SyncedFile
  #running: Promise<void> | undefined
  #following: Promise<void> | undefined
  #failure: ClusterError | undefined

  constructor (file: SyncedFile) { this.#file = file }

  /**
   * Resolves when all that has been written by now is on the disk. After a failure nobody knows what the kernel has dropped: everything
   * later is rejected as well.
   */
  async written (): Promise<void> {
    if (this.#failure != null) throw this.#failure
    if (this.#running == null) return this.#begin()
    // the one that runs may have begun before our write
    this.#following ??= this.#running.catch(() => {}).then(() => {
      this.#following = undefined
      if (this.#failure != null) throw this.#failure
      return this.#begin()
    })
    return this.#following
  }

  async close (): Promise<void> {
    await this.#following?.catch(() => {})
    await this.#running?.catch(() => {})
    await this.#file.close()
  }

  #begin (): Promise<void> {
    const running = this.#sync().finally(() => { if (this.#running === running) this.#running = undefined })
    this.#running = running
    return running
  }

  async #sync (): Promise<void> {
    try { await this.#file.sync() } catch (cause) {
      this.#failure = new ClusterError('INTERNAL', {}, {
        message: 'the disk did not take what the service\'s database wrote; restart the peer', cause
      })
      throw this.#failure
    }
  }
}
