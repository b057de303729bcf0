import { close, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { ClusterError } from '../../../base/errors.ts'
import { SharedRun } from '../../../base/shared-run.ts'

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
  /** What runs may have begun before a write: that write waits for the next one. */
  readonly #syncs = new SharedRun(async () => this.#sync())
  #failure: ClusterError | undefined

  constructor (file: SyncedFile) { this.#file = file }

  /**
   * Resolves when all that has been written by now is on the disk. After a failure nobody knows what the kernel has dropped: everything
   * later is rejected as well.
   */
  async written (): Promise<void> {
    if (this.#failure != null) throw this.#failure
    await this.#syncs.run()
  }

  async close (): Promise<void> {
    await this.#syncs.idle()
    await this.#file.close()
  }

  async #sync (): Promise<void> {
    if (this.#failure != null) throw this.#failure
    try { await this.#file.sync() } catch (cause) {
      this.#failure = new ClusterError('INTERNAL', {}, {
        message: 'the disk did not accept what the service\'s database wrote; restart the peer', cause
      })
      throw this.#failure
    }
  }
}
