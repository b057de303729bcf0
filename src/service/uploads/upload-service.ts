import type { Clock, Random } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { CarImporter, Importer } from '../../importer/importer.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Files } from '../files/files.ts'
import type { Quota } from '../quota/quota.ts'
import { opaqueId, randomText } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { addParams } from './add-params.ts'
import type { ContentRoot } from './content-root.ts'
import { addedRoot, stageContent } from './content-root.ts'
import { Intake, longestName } from './intake.ts'
import { Lease } from './lease.ts'
import { uploadLinks } from './links.ts'
import { ProgressTeller } from './progress.ts'
import { resumableUploads } from './resumable.ts'
import { UploadRows } from './upload-rows.ts'
import type { UploadMetadata } from './upload-rows.ts'
import type { ResumableUploads, Uploaded, Uploader, UploadLinks, UploadPart, UploadProgress, UploadRequest, Uploads } from './uploads.ts'

export interface UploadServiceInit {
  /** This peer: whose uploads end when it starts again. */
  peer: PeerId
}

export interface UploadServiceDeps {
  database: SqlDatabase
  quota: Quota
  files: Pick<Files, 'accept' | 'whenPinned' | 'wake'>
  tasks: Tasks
  staging: Staging
  cluster: Pick<ClusterApi, 'add'>
  importer: Importer
  importCar: CarImporter
  workers: Workers
  clock: Clock
  random: Random
  log: Logger
}

/** Rows of uploads in one request live so long without a byte. */
const plainTtlMs = 60 * 60_000
const expiryMs = 60_000
/** Expired rows that are ended in one run. */
const atOnce = 100
/** How long an answer waits for "pinned". */
const pinnedWithinMs = 10_000
const keyLength = 32

/** Complete when it is made; staged bytes are looked at when it starts. */
export function uploadService (init: UploadServiceInit, deps: UploadServiceDeps): Uploads { return new UploadService(init, deps) }

class UploadService implements Uploads {
  readonly name = 'uploads'
  readonly resumable: ResumableUploads
  readonly links: UploadLinks
  readonly #deps: UploadServiceDeps
  readonly #rows: UploadRows
  readonly #progress: ProgressTeller
  readonly #metadata: UploadMetadata
  #expiry: WorkerHandle | undefined
  /**
   * Uploads of this peer that have another run ended with the process that took them. Once these are cleared away, no more of them come.
   */
  #hasEndedFormer = false

  constructor ({ peer }: UploadServiceInit, deps: UploadServiceDeps) {
    this.#deps = deps
    this.#rows = new UploadRows(deps)
    this.#progress = new ProgressTeller(deps)
    this.#metadata = { kind: 'plain', peer, run: opaqueId(deps.random) }
    this.links = uploadLinks(deps)
    this.resumable = resumableUploads({ ...deps, rows: this.#rows, progress: this.#progress })
  }

  async start (): Promise<void> {
    this.#expiry = this.#deps.workers.add({
      name: 'service-uploads', intervalMs: () => expiryMs, jitter: 0.2, work: async () => this.#expire()
    })
  }

  async stop (): Promise<void> {
    await this.#expiry?.stop()
    this.#expiry = undefined
  }

  onProgress (listener: (progress: UploadProgress) => void): () => void { return this.#progress.onProgress(listener) }

  async forget (tx: Sql, user: string): Promise<string[]> { return await this.#rows.forget(tx, user) }

  async upload (
    uploader: Uploader, request: UploadRequest, parts: AsyncIterable<UploadPart>, { signal }: { signal?: AbortSignal } = {}
  ): Promise<Uploaded> {
    const { random } = this.#deps
    const key = request.pin === 'now' ? null : randomText(random, keyLength)
    const { group, expected } = request
    const lease = await Lease.begin(
      { id: opaqueId(random), uploader, length: expected.most, key, group, metadata: this.#metadata, ttlMs: plainTtlMs }, expected,
      { ...this.#deps, rows: this.#rows }
    )
    const what = { upload: lease.row.id, user: uploader.user, total: expected.most, cid: null }
    const intake = new Intake(
      { format: request.format, link: uploader.link, onBytes: this.#progress.steps({ ...what, state: 'open' }) }, lease
    )
    try {
      const root = await this.#take(key, { request, entries: intake.entries(parts) }, signal)
      signal?.throwIfAborted()
      const uploaded = await this.#accept({ uploader, request, lease, intake, key }, root)
      this.#progress.tell({ ...what, state: 'done', bytes: intake.bytes, cid: uploaded.file.cid })
      return uploaded
    } catch (err) {
      await this.#takeBack(lease)
      this.#progress.tell({ ...what, state: 'failed', bytes: intake.bytes })
      throw err
    }
  }

  /** Into the cluster, or into staging. */
  async #take (
    key: string | null, { request: { format }, entries }: { request: UploadRequest, entries: ReturnType<Intake['entries']> },
    signal: AbortSignal | undefined
  ): Promise<ContentRoot> {
    const options = signal == null ? {} : { signal }
    try {
      if (key != null) return await stageContent({ key, format, entries }, this.#deps, options)
      return await addedRoot(this.#deps.cluster.add(entries, addParams(format), options))
    } finally {
      await entries.return()
    }
  }

  async #accept (
    { uploader: { user, workspace }, request, lease, intake, key }: {
      uploader: Uploader, request: UploadRequest, lease: Lease, intake: Intake, key: string | null
    },
    { cid, blockBytes }: ContentRoot
  ): Promise<Uploaded> {
    const { database, files, staging } = this.#deps
    const { format, group, meta } = request
    const { row } = lease
    const { file, superfluous } = await database.transaction(async tx => {
      await this.#rows.close(tx, row)
      return await files.accept(tx, {
        user,
        workspace,
        cid: cid.toString(),
        kind: format,
        filename: (request.name || intake.name || defaultNames[format]).slice(0, longestName),
        contentType: format === 'directory' ? directoryType : intake.contentType || defaultType,
        sizeBytes: format === 'car' ? blockBytes : intake.bytes,
        group,
        meta,
        stored: key == null ? { kind: 'blocks' } : { kind: 'staged', key, want: false },
        ...(row.reservation_id == null ? {} : { reservation: row.reservation_id })
      })
    })
    files.wake()
    if (superfluous != null) await this.#removeLater(staging, superfluous)
    if (key != null) return { file, pinned: file.state === 'pinned' }
    const now = await this.#whenPinned(file)
    return { file: now, pinned: now.state === 'pinned' }
  }

  /** The file is there, whatever comes of the waiting: another request may have removed it already. */
  async #whenPinned (file: FileRow): Promise<FileRow> {
    try {
      return await this.#deps.files.whenPinned(file.user_id, file.cid, { withinMs: pinnedWithinMs })
    } catch (err) {
      if (!isClusterError(err)) throw err
      this.#deps.log.debug('an upload is complete, and it is not known whether it is pinned', { cid: file.cid, err })
      return file
    }
  }

  /** What can't be rolled back now is when the row has expired. */
  async #takeBack ({ row }: Lease): Promise<void> {
    try {
      await this.#rows.abandon(row)
    } catch (err) {
      this.#deps.log.warn('a failed upload could not be removed yet', { upload: row.id, err })
    }
  }

  async #removeLater (staging: Staging, key: string): Promise<void> {
    try {
      await staging.remove(key)
    } catch (err) {
      this.#deps.log.warn('an unused staged object is left to the reconciliation', { key, err })
    }
  }

  async #expire (): Promise<'busy' | 'idle'> {
    await this.#endFormer()
    const { database, log } = this.#deps
    const now = database.now()
    const rows = await database.db.selectFrom('uploads').select(
      ['id', 'user_id', 'state']
    ).where('expires_at', '<', now).limit(atOnce).execute()
    for (const row of rows) {
      if (await this.#rows.abandon(row, { expiredAt: now })) log.debug('an upload has expired', { upload: row.id, state: row.state })
    }
    return rows.length === atOnce ? 'busy' : 'idle'
  }

  /** Once: what a process of before was taking when it died. */
  async #endFormer (): Promise<void> {
    if (this.#hasEndedFormer) return
    const { database, log } = this.#deps
    const own = JSON.stringify(this.#metadata)
    const rows = await database.db.selectFrom('uploads').select(['id', 'user_id'])
      .where('metadata', 'like', `${own.slice(0, own.indexOf(',"run"'))},%`).where('metadata', '!=', own).execute()
    for (const row of rows) await this.#rows.abandon(row)
    if (rows.length > 0) log.info('uploads that the end of the process had interrupted are removed', { uploads: rows.length })
    this.#hasEndedFormer = true
  }
}

const defaultType = 'application/octet-stream'
const directoryType = 'application/x-directory'
const defaultNames = { file: 'file', directory: 'directory', car: 'content.car' }
