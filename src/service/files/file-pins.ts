import { isClusterError, messageOf } from '../../base/errors.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { Task, TaskContext, Tasks } from '../tasks/tasks.ts'
import { someFiles } from './file-list.ts'
import type { FilePlace } from './file-list.ts'
import { findFile } from './file-rows.ts'
import type { ChangedPins, FileFilter, PinChange } from './files.ts'

export interface FilePinsDeps {
  database: Pick<SqlDatabase, 'db' | 'transaction' | 'matching' | 'now'>
  staging: Pick<Staging, 'remove'>
  tasks: Pick<Tasks, 'create' | 'wake'>
  /** Of one file, in its transaction. QUOTA_EXCEEDED. */
  want: (tx: Sql, row: FileRow) => Promise<FileRow>
  unwant: (tx: Sql, row: FileRow) => Promise<FileRow>
  /** Something is to be done in the cluster. */
  wake: () => void
}

/** What a task changes. `before`: files that were uploaded until then. */
export type FilePinsInput = { to: PinChange } & ({ cids: string[] } | { filter: FileFilter, before: number })

type FilePinsTask = Pick<Task<FilePinsInput>, 'user' | 'input' | 'progress'>

/** How far a task is. `at`: CIDs of the list that are done; `behind`: the file that was the last. */
interface Progress { changed: number, failed: ChangedPins['failed'], at: number, behind: FilePlace | null }

interface Outcome { changed: FileRow[], failed: ChangedPins['failed'], superfluous: string[] }

/** The task's kind in the database. */
export const filePinsKind = 'files-pins'
const batchSize = 100
/** More of what could not be changed isn't listed. */
const mostFailed = 1000
const noSuchFile = 'there is no file with this CID'

/** States in which nothing is to be done. */
const isThere = {
  pin: ({ state }: FileRow) => state === 'pinned' || state === 'pinning' || state === 'importing',
  unpin: ({ state }: FileRow) => state === 'unpinned' || state === 'staged'
} as const satisfies Record<PinChange, (row: FileRow) => boolean>

/** Pins and unpins many of a user's files, at once or as a task, and says how many changed. */
export class FilePins {
  readonly #deps: FilePinsDeps

  constructor (deps: FilePinsDeps) { this.#deps = deps }

  async change (user: string, to: PinChange, cids: readonly string[]): Promise<ChangedPins> {
    const outcome = await this.#changeAll(to, async tx => listed(tx, user, [...new Set(cids)]))
    await this.#afterwards(outcome)
    return { changed: outcome.changed.map(({ cid }) => cid), failed: outcome.failed }
  }

  async changeLater (user: string, to: PinChange, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string> {
    const { database, tasks } = this.#deps
    const input = 'cids' in what ? { to, cids: what.cids } : { to, filter: what.filter, before: database.now() }
    const id = await database.transaction(async tx => tasks.create(tx, user, filePinsKind, input))
    tasks.wake()
    return id
  }

  /** The task. What was changed already is left as it is when a batch comes again. */
  async run (
    { user, input, progress }: FilePinsTask, context: Pick<TaskContext, 'progress' | 'signal'>
  ): Promise<{ changed: number, failed: ChangedPins['failed'] }> {
    let at = (progress as Progress | null) ?? { changed: 0, failed: [], at: 0, behind: null }
    for (;;) {
      context.signal.throwIfAborted()
      const next = await this.#batch(user ?? '', { input, at }, context)
      if (next == null) return { changed: at.changed, failed: at.failed }
      at = next
    }
  }

  /** Undefined when nothing is left. */
  async #batch (
    user: string, { input, at }: { input: FilePinsInput, at: Progress }, { progress }: Pick<TaskContext, 'progress'>
  ): Promise<Progress | undefined> {
    const { database } = this.#deps
    const cids = 'cids' in input ? input.cids.slice(at.at, at.at + batchSize) : []
    const found = 'cids' in input ? [] : await someFiles(user, { ...input, behind: at.behind, limit: batchSize }, { database })
    const last = found.at(-1)
    if (cids.length === 0 && last == null) return undefined
    const nextOf = ({ changed, failed }: Outcome): Progress => ({
      changed: at.changed + changed.length,
      failed: [...at.failed, ...failed].slice(0, mostFailed),
      at: at.at + cids.length,
      behind: last == null ? null : { uploadedAt: last.uploaded_at, id: last.id }
    })
    const outcome = await this.#changeAll(
      input.to, async tx => 'cids' in input ? listed(tx, user, cids) : stillThere(tx, found),
      async (tx, outcome) => progress(nextOf(outcome), tx)
    )
    await this.#afterwards(outcome)
    return nextOf(outcome)
  }

  /** All of them in one transaction, with `note` at its end; where the quota ends on the way, one after the other. */
  async #changeAll (
    to: PinChange, find: (tx: Sql) => Promise<Found[]>, note: (tx: Sql, outcome: Outcome) => Promise<void> = async () => {}
  ): Promise<Outcome> {
    const { database } = this.#deps
    try {
      return await database.transaction(async tx => {
        const outcome = await this.#changeFound(tx, to, await find(tx))
        await note(tx, outcome)
        return outcome
      })
    } catch (err) {
      if (!isClusterError(err, 'QUOTA_EXCEEDED')) throw err
    }
    const all: Outcome = { changed: [], failed: [], superfluous: [] }
    for (const one of await database.transaction(find)) addTo(all, await this.#changeAlone(to, one))
    await database.transaction(async tx => note(tx, all))
    return all
  }

  async #changeAlone (to: PinChange, { cid, row }: Found): Promise<Outcome> {
    try {
      return await this.#deps.database.transaction(
        async tx => this.#changeFound(tx, to, row == null ? [{ cid, row }] : await stillThere(tx, [row]))
      )
    } catch (err) {
      if (!isClusterError(err) || isClusterError(err, 'NOT_READY')) throw err
      return { changed: [], failed: [{ cid, error: messageOf(err) }], superfluous: [] }
    }
  }

  async #changeFound (tx: Sql, to: PinChange, found: readonly Found[]): Promise<Outcome> {
    const outcome: Outcome = { changed: [], failed: [], superfluous: [] }
    for (const { cid, row } of found) {
      if (row == null) outcome.failed.push({ cid, error: noSuchFile })
      else if (!isThere[to](row)) addTo(outcome, await this.#changeOne(tx, to, row))
    }
    return outcome
  }

  async #changeOne (tx: Sql, to: PinChange, row: FileRow): Promise<Outcome> {
    const { want, unwant } = this.#deps
    const changed = await (to === 'pin' ? want(tx, row) : unwant(tx, row))
    return { changed: [changed], failed: [], superfluous: row.staging_key != null && changed.staging_key == null ? [row.staging_key] : [] }
  }

  async #afterwards ({ changed, superfluous }: Outcome): Promise<void> {
    if (changed.length > 0) this.#deps.wake()
    for (const key of superfluous) await this.#deps.staging.remove(key)
  }
}

interface Found { cid: string, row: FileRow | undefined }

async function listed (tx: Sql, user: string, cids: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  for (const cid of cids) found.push({ cid, row: await findFile(tx, user, cid) })
  return found
}

/** As they are now; some may have gone meanwhile. */
async function stillThere (tx: Sql, rows: readonly FileRow[]): Promise<Found[]> {
  const found: Found[] = []
  for (const { id, user_id: user, cid } of rows) {
    const row = await tx.selectFrom('files').selectAll().where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
    if (row != null) found.push({ cid, row })
  }
  return found
}

function addTo (all: Outcome, { changed, failed, superfluous }: Outcome): void {
  all.changed.push(...changed)
  all.failed.push(...failed)
  all.superfluous.push(...superfluous)
}
