import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { Pins } from '../pins/pins.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { TaskContext, Tasks, Task } from '../tasks/tasks.ts'
import { someFiles } from './file-list.ts'
import { findFile, textsOf } from './file-rows.ts'
import type { FileWriter } from './file-writer.ts'
import type { FileFilter } from './files.ts'

export interface RemovalDeps {
  database: Pick<SqlDatabase, 'db' | 'transaction' | 'matching' | 'now'>
  writer: FileWriter
  pins: Pick<Pins, 'removeOf'>
  clusterPins: Pick<ClusterPins, 'wake'>
  staging: Pick<Staging, 'remove'>
  tasks: Pick<Tasks, 'create' | 'wake'>
}

/** What became of a removal. `failed`: CIDs that are still there. */
export interface Removed { deleted: number, failed: string[] }

/** What a task removes. `before`: files that were uploaded until then. */
export type RemovalInput = { cids: string[] } | { filter: FileFilter, before: number }

type RemovalTask = Pick<Task<RemovalInput>, 'user' | 'input' | 'progress'>

/** How far a task is. `at`: CIDs of the list that are done. */
interface RemovalProgress extends Removed { at: number }

/** The task's kind in the database. */
export const removalKind = 'files-delete'
const batchSize = 100
/** More CIDs of what could not be removed aren't listed. */
const mostFailed = 1000

/** Removes files: unpins them, gives their bytes back, and removes what lies in staging. */
export class FileRemoval {
  readonly #deps: RemovalDeps

  constructor (deps: RemovalDeps) { this.#deps = deps }

  /** In one transaction; what isn't there is in `failed`. */
  async removeMany (user: string, cids: readonly string[]): Promise<Removed> {
    const { removed, failed } = await this.#deps.database.transaction(async tx => this.#removeListed(tx, user, [...new Set(cids)]))
    await this.#afterwards(removed)
    return { deleted: removed.length, failed }
  }

  async removeLater (user: string, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string> {
    const { database, tasks } = this.#deps
    const id = await database.transaction(
      async tx => tasks.create(tx, user, removalKind, 'cids' in what ? what : { ...what, before: database.now() })
    )
    tasks.wake()
    return id
  }

  /** All files of a user, batch by batch. */
  async removeAll (user: string, { signal }: { signal: AbortSignal }): Promise<number> {
    const task = { user, input: { filter: {}, before: Number.MAX_SAFE_INTEGER }, progress: null }
    return (await this.run(task, { signal, progress: async () => {} })).deleted
  }

  /** The task. Each batch and the progress behind it are one transaction, so a batch that was done isn't counted again as missing. */
  async run ({ user, input, progress }: RemovalTask, context: Pick<TaskContext, 'progress' | 'signal'>): Promise<Removed> {
    let at = (progress as RemovalProgress | null) ?? { deleted: 0, failed: [], at: 0 }
    for (;;) {
      context.signal.throwIfAborted()
      const next = await this.#batch(user ?? '', { input, at }, context)
      if (next == null) return { deleted: at.deleted, failed: at.failed }
      at = next
    }
  }

  /** Undefined when nothing is left. */
  async #batch (
    user: string, { input, at }: { input: RemovalInput, at: RemovalProgress }, { progress }: Pick<TaskContext, 'progress'>
  ): Promise<RemovalProgress | undefined> {
    const { database } = this.#deps
    const listed = 'cids' in input ? input.cids.slice(at.at, at.at + batchSize) : []
    const found = 'cids' in input ? [] : await someFiles(user, { ...input, limit: batchSize }, { database })
    if (listed.length === 0 && found.length === 0) return undefined
    const { next, removed } = await database.transaction(async tx => {
      const { removed, failed } = 'cids' in input ? await this.#removeListed(tx, user, listed) : await this.#removeFound(tx, found)
      const next = {
        deleted: at.deleted + removed.length, failed: [...at.failed, ...failed].slice(0, mostFailed), at: at.at + listed.length
      }
      await progress(next, tx)
      return { next, removed }
    })
    await this.#afterwards(removed)
    return next
  }

  async #removeListed (tx: Sql, user: string, cids: readonly string[]): Promise<{ removed: FileRow[], failed: string[] }> {
    const removed: FileRow[] = []
    const failed: string[] = []
    for (const cid of cids) {
      const row = textsOf(cid).length === 0 ? undefined : await findFile(tx, user, cid)
      if (row == null) failed.push(cid)
      else {
        await this.remove(tx, row)
        removed.push(row)
      }
    }
    return { removed, failed }
  }

  /** Some of them may have gone meanwhile. */
  async #removeFound (tx: Sql, rows: readonly FileRow[]): Promise<{ removed: FileRow[], failed: string[] }> {
    const removed: FileRow[] = []
    for (const { id, user_id: user } of rows) {
      const row = await tx.selectFrom('files').selectAll().where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
      if (row == null) continue
      await this.remove(tx, row)
      removed.push(row)
    }
    return { removed, failed: [] }
  }

  /** The row, and the user's pins of its CID. */
  async remove (tx: Sql, row: FileRow): Promise<void> {
    await this.#deps.writer.remove(tx, row)
    await this.#deps.pins.removeOf(tx, row.user_id, row.cid)
  }

  async #afterwards (removed: readonly FileRow[]): Promise<void> {
    if (removed.length > 0) this.#deps.clusterPins.wake()
    for (const { staging_key: key } of removed) if (key != null) await this.#deps.staging.remove(key)
  }
}
