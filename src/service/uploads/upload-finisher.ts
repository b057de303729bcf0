import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Files } from '../files/files.ts'
import type { Quota } from '../quota/quota.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { UploadRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { FailedTask, Task, TaskContext } from '../tasks/tasks.ts'
import { addParams } from './add-params.ts'
import type { ContentRoot, Importing } from './content-root.ts'
import { addedRoot, contentRoot } from './content-root.ts'
import type { ProgressTeller } from './progress.ts'
import { oneEntry } from './staged-content.ts'
import { tarEntries } from './tar-entries.ts'
import { giveBackUse, resumableMetadata } from './upload-rows.ts'
import type { ResumableMetadata } from './upload-rows.ts'

export interface FinisherDeps extends Importing {
  database: SqlDatabase
  quota: Pick<Quota, 'release'>
  files: Pick<Files, 'accept' | 'wake'>
  staging: Pick<Staging, 'read' | 'remove'>
  cluster: Pick<ClusterApi, 'add'>
  progress: ProgressTeller
  log: Logger
}

interface Finishing { row: UploadRow, metadata: ResumableMetadata }
/** `sizeBytes`: content of a file, of all files of a directory, all blocks of a CAR. */
interface Taken { root: ContentRoot, sizeBytes: number }

/** How long one can ask what it became. */
const settledTtlMs = 60 * 60_000

/** Makes files of resumable uploads whose bytes are all there. */
export class UploadFinisher {
  readonly #deps: FinisherDeps

  constructor (deps: FinisherDeps) { this.#deps = deps }

  /** The task: goes over the bytes, into the cluster or for their CID alone, and makes the file. */
  async run ({ user, input: { upload: id } }: Task<{ upload: string }>, { signal, progress }: TaskContext): Promise<unknown> {
    const upload = await uploadOf(this.#deps.database.db, { user, id })
    if (upload == null) return { cid: null }
    const { row, metadata } = upload
    if (row.state !== 'finishing' || row.staging_key == null) return { cid: metadata.cid ?? null }
    await progress({ upload: id, bytes: row.length })
    const taken = await this.#take(row.staging_key, upload, signal)
    await this.#accept(row.staging_key, upload, taken)
    return { cid: taken.root.cid.toString() }
  }

  /** The task ends without a file: so does the upload. Its reservation, the use of its link and its bytes are given back. */
  async failed (
    tx: Sql, { user, input: { upload: id }, error }: FailedTask<{ upload: string }>
  ): Promise<(() => Promise<void>) | undefined> {
    const { quota, progress } = this.#deps
    const upload = await uploadOf(tx, { user, id })
    if (upload?.row.state !== 'finishing') return undefined
    const { row, metadata } = upload
    const { staging_key: key, reservation_id: reservation, link_id: link, length } = row
    await this.#settle(tx, row, { state: 'failed', metadata: { ...metadata, error } })
    if (reservation != null) await quota.release(tx, reservation)
    if (link != null) await giveBackUse(tx, { link, user: row.user_id })
    return async () => {
      progress.tell({ upload: id, user: row.user_id, state: 'failed', bytes: length ?? 0, total: length, cid: null })
      if (key != null) await this.#removeObject(key)
    }
  }

  async #take (
    key: string, { row: { id, user_id: user, length }, metadata: { format, pin } }: Finishing, signal: AbortSignal
  ): Promise<Taken> {
    const { staging, cluster, progress } = this.#deps
    const step = progress.steps({ upload: id, user, state: 'finishing', total: length, cid: null })
    const bytes = counted(staging.read(key, { signal }), step)
    let contentBytes = 0
    const entries = format === 'directory' ? tarEntries(bytes, { onContent: more => { contentBytes += more } }) : oneEntry(bytes)
    const root = pin === 'now'
      ? await addedRoot(cluster.add(entries, addParams(format), { signal }))
      : await contentRoot({ format, entries }, this.#deps, { signal })
    return { root, sizeBytes: format === 'directory' ? contentBytes : format === 'car' ? root.blockBytes : length ?? 0 }
  }

  async #accept (key: string, { row, metadata }: Finishing, { root: { cid }, sizeBytes }: Taken): Promise<void> {
    const { database, files, progress } = this.#deps
    const { id, user_id: user, length } = row
    const { format, pin, name, contentType, group, meta } = metadata
    const { superfluous } = await database.transaction(async tx => {
      await this.#settle(tx, row, { state: 'done', metadata: { ...metadata, cid: cid.toString() } })
      return await files.accept(tx, {
        user, workspace: row.workspace_id, cid: cid.toString(), kind: format,
        filename: name || (format === 'directory' ? 'directory' : 'file'), contentType, group, meta, sizeBytes,
        stored: pin === 'now' ? { kind: 'blocks' } : { kind: 'staged', key, want: false },
        ...(row.reservation_id == null ? {} : { reservation: row.reservation_id })
      })
    })
    files.wake()
    progress.tell({ upload: id, user, state: 'done', bytes: length ?? 0, total: length, cid: cid.toString() })
    if (pin === 'now') await this.#removeObject(key)
    else if (superfluous != null) await this.#removeObject(superfluous)
  }

  /** From `finishing` to an end, once: the row has no bytes and no reservation any more. */
  async #settle (
    tx: Sql, { id, user_id: user }: UploadRow, { state, metadata }: { state: 'done' | 'failed', metadata: ResumableMetadata }
  ): Promise<void> {
    const { numUpdatedRows } = await tx.updateTable('uploads')
      .set({
        state, metadata: JSON.stringify(metadata), staging_key: null, reservation_id: null,
        expires_at: this.#deps.database.now() + settledTtlMs
      })
      .where('id', '=', id).where('user_id', '=', user).where('state', '=', 'finishing').executeTakeFirst()
    if (Number(numUpdatedRows) === 0) throw new ClusterError('CONFLICT', { id }, { message: 'the upload has been ended' })
  }

  async #removeObject (key: string): Promise<void> {
    try {
      await this.#deps.staging.remove(key)
    } catch (err) {
      this.#deps.log.warn('an unused staged object is left to the reconciliation', { key, err })
    }
  }
}

/** Undefined when it is gone, or of another kind. */
async function uploadOf (db: Pick<Sql, 'selectFrom'>, { user, id }: { user: string | null, id: string }): Promise<Finishing | undefined> {
  const row = await db.selectFrom('uploads').selectAll().where('id', '=', id).where('user_id', '=', user ?? '').executeTakeFirst()
  const metadata = row == null ? null : resumableMetadata(row)
  return row == null || metadata == null ? undefined : { row, metadata }
}

async function * counted (source: AsyncIterable<Uint8Array>, step: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  for await (const piece of source) {
    bytes += piece.length
    step(bytes)
    yield piece
  }
}
