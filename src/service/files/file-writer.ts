import { shortText } from '../../events/events.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { Quota } from '../quota/quota.ts'
import type { NewUserEvent, UserEvents } from '../events/user-events.ts'
import { folded } from '../sql/sql.ts'
import type { Sql } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import { countsForQuota, nextFileState, ownsPin } from './file-state.ts'
import type { FileEvent } from './file-state.ts'

export interface FileWriterDeps {
  quota: Pick<Quota, 'hold' | 'drop' | 'release'>
  clusterPins: Pick<ClusterPins, 'acquire' | 'release'>
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
}

/** A row without what follows from the rest of it. */
export type NewRow = Omit<FileRow, 'name_key' | 'owns_pin'>

interface Rows { before: FileRow | undefined, after: FileRow | undefined }

export interface WriteOptions {
  /** Given up for what the file holds. */
  reservation?: string | undefined
  /** Nodes that have the content. */
  origins?: readonly string[]
}

/** What changes along with a file's state. */
export interface FileWrite extends WriteOptions {
  event?: FileEvent
  fields?: Partial<Omit<FileRow, 'id' | 'user_id' | 'cid' | 'state' | 'owns_pin' | 'name_key'>>
}

/**
 * Every write of a row of `files`: what its owner holds against the quota, and whether the file owns the cluster's pin, change with it.
 * Throws QUOTA_EXCEEDED when there is no room for what it holds from now on.
 */
export class FileWriter {
  readonly #deps: FileWriterDeps

  constructor (deps: FileWriterDeps) { this.#deps = deps }

  /** `row.state` is the state to begin with. Gives the row as it was stored. */
  async insert (tx: Sql, row: NewRow, options: WriteOptions = {}): Promise<FileRow> {
    const wanted = {
      ...row,
      name_key: folded(row.original_filename),
      owns_pin: row.origin !== 'pins' && (row.state === 'pinning' || row.state === 'pinned') ? 1 : 0
    }
    const stored = await this.#keepUp(tx, { before: undefined, after: wanted }, options)
    await tx.insertInto('files').values(stored).execute()
    await this.#tell(tx, { before: undefined, after: stored })
    return stored
  }

  /**
   * Gives the row as it is then. What `staging_key` named before and doesn't any more is to be removed by the caller, after the
   * transaction.
   */
  async change (tx: Sql, row: FileRow, { event, fields = {}, ...options }: FileWrite): Promise<FileRow> {
    const state = event == null ? row.state : nextFileState(row.state, event)
    const wanted: FileRow = { ...row, ...fields, state }
    wanted.name_key = folded(wanted.original_filename)
    if (event != null && wanted.origin !== 'pins') wanted.owns_pin = ownsPin(state, { owned: row.owns_pin === 1, event }) ? 1 : 0
    // the bytes are no longer the only ones, or no longer wanted
    if (state === 'unpinned') wanted.staging_key = null
    const after = await this.#keepUp(tx, { before: row, after: wanted }, options)
    await tx.updateTable('files').set(changedFields(row, after)).where('user_id', '=', after.user_id).where('id', '=', after.id).execute()
    await this.#tell(tx, { before: row, after })
    return after
  }

  async remove (tx: Sql, row: FileRow): Promise<void> {
    await this.#keepUp(tx, { before: row, after: undefined })
    await tx.deleteFrom('files').where('user_id', '=', row.user_id).where('id', '=', row.id).execute()
    await this.#tell(tx, { before: row, after: undefined })
  }

  async #tell (tx: Sql, { before, after }: Rows): Promise<void> {
    const event = fileEvent(before, after)
    if (event != null) await this.#deps.events?.record(tx, [event])
  }

  #keepUp (tx: Sql, rows: { before: FileRow | undefined, after: FileRow }, options?: WriteOptions): Promise<FileRow>
  #keepUp (tx: Sql, rows: { before: FileRow, after: undefined }): Promise<undefined>
  async #keepUp (tx: Sql, { before, after }: Rows, options: WriteOptions = {}): Promise<FileRow | undefined> {
    await this.#hold(tx, { before, after }, options)
    const { clusterPins } = this.#deps
    const owned = before?.owns_pin === 1
    const owns = after?.owns_pin === 1
    if (owned && !owns) await clusterPins.release(tx, before.cid)
    if (after == null || owned || !owns) return after
    const { state } = await clusterPins.acquire(tx, after.cid, {
      name: after.original_filename, tenant: after.user_id, origins: options.origins ?? []
    })
    // somebody else may have it pinned already
    return { ...after, state: state === 'pinned' ? nextFileState(after.state, 'cluster-pinned') : after.state }
  }

  async #hold (tx: Sql, { before, after }: Rows, { reservation }: WriteOptions): Promise<void> {
    const { quota } = this.#deps
    const held = before != null && countsForQuota(before)
    const holds = after != null && countsForQuota(after)
    if (!held && holds) {
      await quota.hold(tx, after.user_id, after.cid, knownSize(after), reservation == null ? {} : { reservation })
      return
    }
    if (reservation != null) await quota.release(tx, reservation)
    if (held && !holds) await quota.drop(tx, before.user_id, before.cid)
  }
}

/** These may differ from what is stored: callers make rows with another state, to begin with. */
const always = ['state', 'staging_key', 'owns_pin', 'origin'] as const

/** Each column that is set costs the database its indexes, also where the value stays. */
function changedFields (before: FileRow, after: FileRow): Partial<FileRow> {
  const columns = Object.keys(after) as Array<keyof FileRow>
  const changed = columns.filter(column => after[column] !== before[column] || always.some(one => one === column))
  return Object.fromEntries(changed.map(column => [column, after[column]]))
}

/** Of what was pinned by its CID it is known only once it is here. */
const knownSize = ({ origin, size_bytes: bytes }: FileRow): number | null => origin === 'cid' && bytes === 0 ? null : bytes

/** What a user sees of a file in the list, but for how it stands. */
const described = ({ original_filename: name, group_id: group, meta, size_bytes: bytes, content_type: type, origin }: FileRow): string =>
  JSON.stringify([name, group, meta, bytes, type, origin])

/** What the write of a file tells its owner; null: nothing that shows. */
export function fileEvent (before: FileRow | undefined, after: FileRow | undefined): NewUserEvent | null {
  const row = after ?? before
  // entries that stand for pins: of these the pins' own events tell
  if (row == null || row.origin === 'pins') return null
  const type = typeOf(before, after)
  if (type == null) return null
  const { user_id: user, cid, original_filename: name, size_bytes: size, state, error } = row
  return { user, type, data: { cid, name: shortText(name), size, state, ...(error == null ? {} : { error: shortText(error) }) } }
}

function typeOf (before: FileRow | undefined, after: FileRow | undefined): NewUserEvent['type'] | null {
  if (after == null) return 'file.deleted'
  if (before == null) return 'file.created'
  if (before.state !== after.state || before.error !== after.error) return 'file.status'
  return described(before) === described(after) ? null : 'file.changed'
}
