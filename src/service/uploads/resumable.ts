import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { Quota } from '../quota/quota.ts'
import { randomText } from '../sql/ids.ts'
import type { Sql } from '../sql/sql.ts'
import type { UploadRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { longestName } from './intake.ts'
import { Lease } from './lease.ts'
import { allowsType } from './link-limits.ts'
import type { ProgressTeller } from './progress.ts'
import { tarKeyEnd } from './tar-entries.ts'
import { UploadFinisher } from './upload-finisher.ts'
import type { FinisherDeps } from './upload-finisher.ts'
import { resumableMetadata } from './upload-rows.ts'
import type { ResumableMetadata, UploadRows } from './upload-rows.ts'
import type { ResumableRequest, ResumableUpload, ResumableUploads, Uploader } from './uploads.ts'

export interface ResumableDeps extends FinisherDeps {
  quota: Quota
  tasks: Tasks
  staging: Staging
  rows: UploadRows
  progress: ProgressTeller
  clock: Clock
  random: Random
}

/** After its last byte. */
const openTtlMs = 24 * 60 * 60_000
/** For the task that makes the file, with all its tries. */
const finishingTtlMs = openTtlMs
const taskKind = 'upload'
const askAgainMs = 500
const keyLength = 32

/** See `ResumableUploads`. Registers the task that makes files of them. */
export function resumableUploads (deps: ResumableDeps): ResumableUploads { return new Resumables(deps) }

class Resumables implements ResumableUploads {
  readonly #deps: ResumableDeps

  constructor (deps: ResumableDeps) {
    this.#deps = deps
    const finisher = new UploadFinisher(deps)
    deps.tasks.handle<{ upload: string }>(
      taskKind, async (task, context) => finisher.run(task, context), { onFailure: async (tx, task) => finisher.failed(tx, task) }
    )
  }

  async create (uploader: Uploader, { id, length, ...request }: ResumableRequest): Promise<ResumableUpload> {
    const { rows, random, staging } = this.#deps
    const { link } = uploader
    const maxBytes = link?.max_bytes ?? null
    if (length != null && maxBytes != null && length > maxBytes) throw tooLarge(maxBytes)
    if (link != null && !allowsType(link, request.contentType)) {
      throw invalidArgument('the link does not allow this type')
    }
    const metadata: ResumableMetadata = { kind: 'resumable', ...request, name: request.name.slice(0, longestName), maxBytes }
    const row = await rows.begin({
      id, uploader, length, reserve: length ?? 0, key: `${randomText(random, keyLength)}${request.format === 'directory' ? tarKeyEnd : ''}`,
      group: request.group, metadata, ttlMs: openTtlMs
    })
    if (length !== 0) return viewOf(row)
    await staging.append(keyOf(row), 0, nothing())
    return viewOf(await this.#advance(row, { from: 0, to: 0 }))
  }

  async get (user: string, id: string): Promise<ResumableUpload> { return viewOf(await this.#row(user, id)) }

  async list (user: string): Promise<ResumableUpload[]> {
    const { database } = this.#deps
    const rows = await database.db.selectFrom('uploads').selectAll().where('user_id', '=', user).where(
      'expires_at', '>', database.now()
    ).orderBy('created_at', 'desc').execute()
    return rows.filter(row => resumableMetadata(row) != null).map(viewOf)
  }

  async declareLength (user: string, id: string, length: number): Promise<void> {
    const { database, quota, tasks } = this.#deps
    await database.transaction(async tx => {
      const row = await tx.selectFrom('uploads').selectAll().where('id', '=', id).where('user_id', '=', user).executeTakeFirst()
      const metadata = row == null ? null : resumableMetadata(row)
      if (row == null || metadata == null) throw noSuchUpload(id)
      if (row.state !== 'open' || row.length != null || length < row.offset) {
        throw new ClusterError('CONFLICT', { id }, { message: 'the length of the upload is known already, or less than what came' })
      }
      if (metadata.maxBytes != null && length > metadata.maxBytes) throw tooLarge(metadata.maxBytes)
      const missing = length - await reservedBytes(tx, row)
      if (missing > 0 && row.reservation_id != null) await quota.extend(tx, row.reservation_id, missing, { ttlMs: openTtlMs })
      await tx.updateTable('uploads').set({ length }).where('id', '=', id).where('user_id', '=', user).execute()
      if (length === row.offset) await this.#beginToFinish(tx, row)
    })
    tasks.wake()
  }

  async append (
    user: string, id: string, offset: number, source: AsyncIterable<Uint8Array>, { signal }: { signal?: AbortSignal } = {}
  ): Promise<number> {
    const { database, staging } = this.#deps
    const row = await this.#row(user, id)
    if (row.state !== 'open' || row.offset !== offset) {
      throw new ClusterError('CONFLICT', { id, offset: row.offset }, { message: 'this is not where the upload goes on' })
    }
    const lease = Lease.resume(row, { reserved: await reservedBytes(database.db, row), ttlMs: openTtlMs }, this.#deps)
    const step = this.#deps.progress.steps({ upload: id, user, state: 'open', total: row.length, cid: null })
    let safe = offset
    return await staging.append(keyOf(row), offset, this.#covered(source, { row, lease, step }), {
      ...(signal == null ? {} : { signal }),
      onDurable: async to => {
        await this.#advance(row, { from: safe, to })
        safe = to
      }
    })
  }

  async settled (user: string, id: string, { withinMs, signal }: { withinMs: number, signal?: AbortSignal }): Promise<ResumableUpload> {
    const { clock, progress } = this.#deps
    const until = clock.elapsed() + withinMs
    for (;;) {
      const heard = Promise.withResolvers<void>()
      const stop = progress.onProgress(told => {
        if (told.upload === id && (told.state === 'done' || told.state === 'failed')) heard.resolve()
      })
      const waiting = new AbortController()
      try {
        const upload = await this.get(user, id)
        const left = until - clock.elapsed()
        if (upload.state === 'done' || upload.state === 'failed' || left <= 0) return upload
        // another peer may be making it
        const asleep = clock.sleep(Math.min(left, askAgainMs), AbortSignal.any([waiting.signal, ...(signal == null ? [] : [signal])]))
        asleep.catch(() => {}) // the loser of the race
        await Promise.race([heard.promise, asleep])
      } finally {
        stop()
        waiting.abort()
      }
    }
  }

  async remove (user: string, id: string): Promise<void> {
    const row = await this.#row(user, id)
    if (row.state === 'finishing') {
      throw new ClusterError('CONFLICT', { id }, { message: 'the upload is complete, and its file is being made' })
    }
    await this.#deps.rows.abandon(row)
  }

  async #row (user: string, id: string): Promise<UploadRow> {
    const { database } = this.#deps
    const row = await database.db.selectFrom('uploads').selectAll().where('id', '=', id).where('user_id', '=', user).executeTakeFirst()
    if (row == null || resumableMetadata(row) == null || row.expires_at <= database.now()) throw noSuchUpload(id)
    return row
  }

  /** Never more than its length, and never more than the quota has room for. */
  async * #covered (
    source: AsyncIterable<Uint8Array>, { row, lease, step }: { row: UploadRow, lease: Lease, step: (bytes: number) => void }
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const limit = row.length ?? resumableMetadata(row)?.maxBytes ?? Infinity
    let bytes = row.offset
    for await (const piece of source) {
      bytes += piece.length
      if (bytes > limit) throw tooLarge(limit)
      const wait = lease.cover(bytes)
      if (wait != null) await wait
      step(bytes)
      yield piece
    }
  }

  /** So much is safe now. With the last byte, the file is to be made. CONFLICT when it is elsewhere meanwhile. */
  async #advance (row: UploadRow, { from, to }: { from: number, to: number }): Promise<UploadRow> {
    const { database, quota, tasks } = this.#deps
    const advanced = await database.transaction(async tx => {
      const found = await tx.updateTable('uploads').set({ offset: to, expires_at: database.now() + openTtlMs })
        .where('id', '=', row.id).where(
          'user_id', '=', row.user_id
        ).where('state', '=', 'open').where('offset', '=', from).returningAll().executeTakeFirst()
      if (found == null) throw new ClusterError('CONFLICT', { id: row.id }, { message: 'the upload goes on elsewhere, or was ended' })
      if (found.reservation_id != null) await quota.extend(tx, found.reservation_id, 0, { ttlMs: openTtlMs })
      return found.length === to ? await this.#beginToFinish(tx, found) : found
    })
    if (advanced.state === 'finishing') tasks.wake()
    return advanced
  }

  async #beginToFinish (tx: Sql, { id, user_id: user, reservation_id: reservation }: UploadRow): Promise<UploadRow> {
    const { database, quota, tasks } = this.#deps
    await tasks.create(tx, user, taskKind, { upload: id })
    if (reservation != null) await quota.extend(tx, reservation, 0, { ttlMs: finishingTtlMs })
    return await tx.updateTable('uploads').set({ state: 'finishing', expires_at: database.now() + finishingTtlMs })
      .where('id', '=', id).where('user_id', '=', user).returningAll().executeTakeFirstOrThrow()
  }
}

async function reservedBytes (db: Pick<Sql, 'selectFrom'>, { reservation_id: id, user_id: user }: UploadRow): Promise<number> {
  const found = id == null
    ? undefined
    : await db.selectFrom('reservations').select('bytes').where('id', '=', id).where('user_id', '=', user).executeTakeFirst()
  return found?.bytes ?? 0
}

function keyOf ({ id, staging_key: key }: UploadRow): string {
  if (key == null) throw noSuchUpload(id)
  return key
}

async function * nothing (): AsyncGenerator<Uint8Array, void, undefined> {}

function viewOf (row: UploadRow): ResumableUpload {
  const metadata = resumableMetadata(row)
  if (metadata == null) throw noSuchUpload(row.id)
  const { name, contentType, client, cid = null, error = null } = metadata
  return {
    id: row.id, state: row.state, length: row.length, offset: row.offset, name, contentType, client, cid, error, link: row.link_id,
    createdAt: row.created_at, expiresAt: row.expires_at
  }
}

const noSuchUpload = (id: string): ClusterError =>
  new ClusterError('NOT_FOUND', { id: id.slice(0, 100) }, { message: 'there is no such upload, or it has expired' })
const tooLarge = (allowed: number): ClusterError =>
  new ClusterError('TOO_LARGE', { allowed }, { message: `the upload has more than ${allowed} bytes` })
