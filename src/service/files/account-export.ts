import type { Random } from '../../base/clock.ts'
import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import type { Pins } from '../pins/pins.ts'
import { opaqueId } from '../sql/ids.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { Task, TaskContext, Tasks } from '../tasks/tasks.ts'
import type { Usage } from '../usage/usage.ts'
import { listFiles } from './file-list.ts'

export interface AccountExportDeps {
  database: SqlDatabase
  pins: Pick<Pins, 'all'>
  usage: Pick<Usage, 'days'>
  audit: Pick<AuditLog, 'list'>
  tasks: Pick<Tasks, 'get' | 'handle'>
  staging: Pick<Staging, 'put' | 'read' | 'size' | 'remove'>
  random: Random
}

/** What was exported, for as long as it is kept. */
export interface AccountExport { sizeBytes: number, read (options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array> }

/** The task's kind in the database. */
export const exportKind = 'account-export'
/** How long the document can be fetched. Milliseconds. */
const keptMs = 24 * 3_600_000
const workingMs = 3_600_000
const daysBack = 400

/**
 * Everything that the service knows of a user, without secrets, as one JSON document in staging. A row of `uploads` keeps it there until it
 * expires. Registers the task; one that was interrupted begins anew.
 */
export class AccountExports {
  readonly #deps: AccountExportDeps

  constructor (deps: AccountExportDeps) {
    this.#deps = deps
    deps.tasks.handle<unknown>(exportKind, async (task, context) => this.#run(task, context))
  }

  /** NOT_FOUND when there is no such task of this user, it isn't done, or the document has expired. */
  async open (user: string, taskId: string): Promise<AccountExport> {
    const { database, tasks, staging } = this.#deps
    const task = await tasks.get(user, taskId)
    const row = await database.db.selectFrom('uploads').select('staging_key')
      .where('user_id', '=', user).where('id', '=', rowId(taskId)).executeTakeFirst()
    const key = row?.staging_key
    const sizeBytes = key == null ? null : await staging.size(key)
    const isThere = task.kind === exportKind && task.state === 'SUCCESS'
    if (!isThere || key == null || sizeBytes == null) throw new ClusterError('NOT_FOUND', {}, { message: 'there is no such export' })
    return { sizeBytes, read: options => staging.read(key, options) }
  }

  async #run ({ id, user }: Task<unknown>, { signal }: TaskContext): Promise<{ size: number }> {
    const { staging, random } = this.#deps
    if (user == null) throw invalidArgument('an export has an owner')
    const key = opaqueId(random)
    const earlier = await this.#note({ id, user, key, keptMs: workingMs })
    if (earlier != null) await staging.remove(earlier)
    const { sizeBytes } = await staging.put(key, this.#document(user, signal), { signal })
    await this.#note({ id, user, key, keptMs })
    return { size: sizeBytes }
  }

  /** Gives the key of an earlier attempt. */
  async #note ({ id, user, key, keptMs }: { id: string, user: string, key: string, keptMs: number }): Promise<string | null> {
    const { database } = this.#deps
    return database.transaction(async tx => {
      const earlier = await tx.selectFrom('uploads').select('staging_key')
        .where('user_id', '=', user).where('id', '=', rowId(id)).executeTakeFirst()
      const expires = { staging_key: key, expires_at: database.now() + keptMs }
      if (earlier != null) await tx.updateTable('uploads').set(expires).where('user_id', '=', user).where('id', '=', rowId(id)).execute()
      else {
        const account = await tx.selectFrom('users').select('workspace_id').where('id', '=', user).executeTakeFirstOrThrow()
        await tx.insertInto('uploads').values({
          ...expires,
          id: rowId(id),
          user_id: user,
          workspace_id: account.workspace_id,
          length: null,
          offset: 0,
          metadata: '{"kind":"export"}',
          reservation_id: null,
          link_id: null,
          state: 'done',
          created_at: database.now()
        }).execute()
      }
      return earlier == null || earlier.staging_key === key ? null : earlier.staging_key
    })
  }

  async * #document (user: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { db } = this.#deps.database
    const account = await db.selectFrom('users').selectAll().where('id', '=', user).executeTakeFirstOrThrow()
    const { password_hash: _secret, email_key: _key, ...known } = account
    const rows = await db.selectFrom('api_keys').selectAll().where('user_id', '=', user).execute()
    const keys = rows.map(({ secret_hash: _hash, ...key }) => key)
    const groups = await db.selectFrom('groups').selectAll().where('user_id', '=', user).execute()
    const usage = await this.#deps.usage.days(user, daysBack)
    const hooks = await db.selectFrom('webhooks').selectAll().where('user_id', '=', user).execute()
    const webhooks = hooks.map(({ secret: _secret, ...webhook }) => webhook)
    yield Buffer.from(`${JSON.stringify({ account: known, keys, groups, webhooks, usage }).slice(0, -1)},"files":`)
    yield * jsonList(this.#files(user), signal)
    yield Buffer.from(',"pins":')
    yield * jsonList(this.#deps.pins.all(user, { signal }), signal)
    yield Buffer.from(',"audit":')
    yield * jsonList(this.#audit(user), signal)
    yield Buffer.from('}\n')
  }

  async * #files (user: string): AsyncGenerator<unknown[]> {
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof listFiles>> = await listFiles(
        user, { sort: { by: 'uploaded_at', descending: false }, ...(cursor == null ? {} : { cursor }) }, this.#deps
      )
      yield page.files.map(exported)
      cursor = page.next
    } while (cursor != null)
  }

  async * #audit (user: string): AsyncGenerator<unknown[]> {
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<AuditLog['list']>> = await this.#deps.audit.list({
        user, limit: 1000, ...(cursor == null ? {} : { cursor })
      })
      yield page.entries
      cursor = page.next
    } while (cursor != null)
  }
}

/** What a user knows of a file. */
const exported = (file: FileRow): Record<string, unknown> => ({
  id: file.id,
  cid: file.cid,
  kind: file.kind,
  original_filename: file.original_filename,
  content_type: file.content_type,
  size_bytes: file.size_bytes,
  group_id: file.group_id,
  meta: JSON.parse(file.meta) as unknown,
  origin: file.origin,
  state: file.state,
  error: file.error,
  uploaded_at: file.uploaded_at,
  view_count: file.view_count,
  last_accessed_at: file.last_accessed_at
})

const rowId = (taskId: string): string => `export-${taskId}`

/** A list whose items come in batches. */
async function * jsonList (batches: AsyncIterable<unknown[]>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let before = '['
  for await (const batch of batches) {
    signal.throwIfAborted()
    if (batch.length === 0) continue
    yield Buffer.from(before + batch.map(item => JSON.stringify(item)).join(',\n'))
    before = ',\n'
  }
  yield Buffer.from(before === '[' ? '[]' : ']')
}
