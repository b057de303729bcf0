import type { Datastore } from '../../datastore/datastore.ts'

/** Never written, only deleted. */
const probeKey = '/sync-probe'

/**
 * Changes of others are merged without a sync of their own: a power cut takes the last ones, and they come again from the others. Who
 * promises something because of them makes sure first that they are on the disk; all who do so at the same time share a sync, and there is
 * none when nothing was merged since the last one.
 */
export class MergedOnDisk {
  readonly #datastore: Pick<Datastore, 'write'>
  #merged = 0
  #synced = 0
  #syncing: Promise<void> | undefined

  constructor (datastore: Pick<Datastore, 'write'>) { this.#datastore = datastore }

  /** Something has been written without a sync. */
  note (): void { this.#merged++ }

  /** Resolves when the disk has all that was noted before; rejects with STORAGE_FULL and the like. */
  async sync (): Promise<void> {
    const wanted = this.#merged
    while (this.#synced < wanted) await (this.#syncing ??= this.#syncOnce())
  }

  async #syncOnce (): Promise<void> {
    const upTo = this.#merged
    try {
      await this.#datastore.write([{ key: probeKey, value: undefined }], { sync: true, frees: true })
      this.#synced = upTo
    } finally {
      this.#syncing = undefined
    }
  }
}
