import { ClusterError } from '../../base/errors.ts'
import type { ClusterPins, ClusterPinStatus } from '../cluster-pins/cluster-pins.ts'
import { shortText } from '../../events/events.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { NewUserEvent, UserEvents } from '../events/user-events.ts'
import type { Quota } from '../quota/quota.ts'
import { folded } from '../sql/sql.ts'
import type { Sql } from '../sql/sql.ts'
import type { PinRow } from '../sql/tables.ts'
import type { PinListener, PinOwner, WantedPin } from './pins.ts'

export interface PinRowsDeps {
  clusterPins: Pick<ClusterPins, 'acquire' | 'acquireMany' | 'release'>
  quota: Pick<Quota, 'hold' | 'holdMany' | 'drop'>
  listeners: readonly PinListener[]
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  /** Those of these addresses that this service may dial. */
  dialable: (origins: readonly string[]) => string[]
  now: () => number
  requestId: () => string
}

/** Why a pin was let go: it owns nothing in the cluster any more. Kept in its info. */
const overQuota = { reason: 'INSUFFICIENT_FUNDS', details: 'the account is full' } as const

/** Whether the pin failed because its owner's quota was full. */
export const isLetGo = (row: Pick<PinRow, 'status' | 'info'>): boolean =>
  row.status === 'failed' && row.info.includes(`"reason":"${overQuota.reason}"`)

/** Queued, pinning and pinned ones count against the quota. */
const counts = ({ status }: Pick<PinRow, 'status'>): boolean => status !== 'failed'

/**
 * What happens to rows of pins, each within the caller's transaction, with everything that hangs on it: quota, the owner of the cluster's
 * pin, whoever follows a user's pins.
 */
export class PinRows {
  readonly #deps: PinRowsDeps

  constructor (deps: PinRowsDeps) { this.#deps = deps }

  /** Throws QUOTA_EXCEEDED. */
  async insert (tx: Sql, owner: PinOwner, { cid, name, origins, meta }: WantedPin): Promise<PinRow> {
    const { clusterPins, dialable, requestId } = this.#deps
    const size = await this.#hold(tx, owner.id, cid)
    const { state } = await clusterPins.acquire(tx, cid, { name, tenant: owner.id, origins: dialable(origins) })
    const own = { user_id: owner.id, workspace_id: owner.workspace, cid, size_bytes: size, status: state }
    const given = { name, name_key: folded(name), origins: JSON.stringify(origins), meta: JSON.stringify(meta) }
    const row = await this.#insertAt(tx, owner.id, created => ({ request_id: requestId(), ...own, ...given, created }))
    await this.#record(tx, 'pin.created', [row])
    await this.#tell(tx, owner.id, cid)
    return row
  }

  /** The same for many, each CID once, in few queries; the last is the newest. Throws QUOTA_EXCEEDED. */
  async insertMany (tx: Sql, owner: PinOwner, wanted: readonly WantedPin[]): Promise<void> {
    const { clusterPins, quota, dialable, requestId, now } = this.#deps
    if (wanted.length === 0) return
    const cids = wanted.map(({ cid }) => cid)
    const sizes = await knownSizes(tx, cids)
    if (cids.some(cid => !sizes.has(cid))) await refuseFull(tx, owner.id)
    await quota.holdMany(tx, owner.id, cids.map(cid => ({ cid, bytes: sizes.get(cid) ?? null })))
    const states = await clusterPins.acquireMany(
      tx, wanted.map(({ cid, name, origins }) => ({ cid, name, tenant: owner.id, origins: dialable(origins) }))
    )
    const first = Math.max(now(), await newestOf(tx, owner.id) + 1)
    const rows = wanted.map(({ cid, name, origins, meta }, at) => ({
      request_id: requestId(), user_id: owner.id, workspace_id: owner.workspace, cid, size_bytes: sizes.get(cid) ?? null,
      status: states.get(cid)?.state ?? 'queued',
      name, name_key: folded(name), origins: JSON.stringify(origins), meta: JSON.stringify(meta), created: first + at
    }))
    const { numInsertedOrUpdatedRows } = await tx.insertInto('pins').values(rows).onConflict(
      on => on.columns(['user_id', 'created']).doNothing()
    ).executeTakeFirstOrThrow()
    // somebody else inserted at the same moments
    if (Number(numInsertedOrUpdatedRows ?? 0) < rows.length) {
      throw new ClusterError('NOT_READY', {}, { message: 'others pin for this account at the moment' })
    }
    await this.#record(tx, 'pin.created', rows)
    for (const cid of cids) await this.#tell(tx, owner.id, cid)
  }

  /** Behind all others of the user, whatever the clock says. */
  async #insertAt (tx: Sql, user: string, values: (created: number) => Omit<PinRow, 'info'>): Promise<PinRow> {
    for (let created = Math.max(this.#deps.now(), await newestOf(tx, user) + 1); ; created++) {
      const row = await tx.insertInto('pins').values(values(created)).onConflict(
        on => on.columns(['user_id', 'created']).doNothing()
      ).returningAll().executeTakeFirst()
      if (row != null) return row
    }
  }

  /** New name, origins and meta. A pin that was let go is wanted again: QUOTA_EXCEEDED when there still is no room. */
  async update (tx: Sql, row: PinRow, { name, origins, meta }: WantedPin): Promise<PinRow> {
    const { clusterPins, dialable } = this.#deps
    const given = { name, name_key: folded(name), origins: JSON.stringify(origins), meta: JSON.stringify(meta) }
    let again: Partial<PinRow> = {}
    if (isLetGo(row)) {
      await this.#hold(tx, row.user_id, row.cid)
      const { state } = await clusterPins.acquire(tx, row.cid, { name, tenant: row.user_id, origins: dialable(origins) })
      again = { status: state, info: '{}' }
    } else if (given.origins !== row.origins) {
      // one more owner and one less: what stays is that the new addresses are tried
      await clusterPins.acquire(tx, row.cid, { origins: dialable(origins) })
      await clusterPins.release(tx, row.cid)
    }
    await tx.updateTable('pins').set({ ...given, ...again }).where('user_id', '=', row.user_id).where(
      'request_id', '=', row.request_id
    ).execute()
    const changed = await this.of(tx, row.user_id, row.request_id)
    await this.#record(tx, 'pin.changed', [changed])
    await this.#tell(tx, row.user_id, row.cid)
    return changed
  }

  async remove (tx: Sql, row: PinRow): Promise<void> {
    await tx.deleteFrom('pins').where('user_id', '=', row.user_id).where('request_id', '=', row.request_id).execute()
    await this.#giveUp(tx, row)
    await this.#record(tx, 'pin.deleted', [row])
    await this.#tell(tx, row.user_id, row.cid)
  }

  /** NOT_FOUND, also for others'. */
  async of (tx: Pick<Sql, 'selectFrom'>, user: string, requestId: string): Promise<PinRow> {
    const row = await tx.selectFrom('pins').selectAll().where('user_id', '=', user).where('request_id', '=', requestId).executeTakeFirst()
    if (row == null) throw new ClusterError('NOT_FOUND', { requestid: requestId.slice(0, 100) }, { message: 'there is no such pin' })
    return row
  }

  /** All pins follow what the cluster says of their CIDs. Failed ones count nothing; what comes back after a failure needs room again. */
  async follow (tx: Sql, changes: ReadonlyMap<string, ClusterPinStatus>): Promise<void> {
    const alike = Map.groupBy(changes, ([, { state }]) => state)
    for (const [state, group] of alike) {
      const cids = group.map(([cid]) => cid)
      if (state !== 'failed') {
        const moved = await tx.updateTable('pins').set({ status: state }).where('cid', 'in', cids).where(
          'status', 'not in', ['failed', state]
        ).returningAll().execute()
        await this.#record(tx, 'pin.status', moved)
      }
      const rows = await tx.selectFrom('pins').selectAll().where('cid', 'in', cids).where(
        'status', state === 'failed' ? '<>' : '=', 'failed'
      ).execute()
      for (const row of rows) await this.#followOne(tx, row, state)
    }
  }

  async #followOne (tx: Sql, row: PinRow, state: PinningStatus): Promise<void> {
    if (isLetGo(row)) return
    if (state === 'failed') await this.#deps.quota.drop(tx, row.user_id, row.cid)
    else if (!await this.#heldAgain(tx, row)) return
    await tx.updateTable('pins').set({ status: state }).where('user_id', '=', row.user_id).where(
      'request_id', '=', row.request_id
    ).execute()
    await this.#record(tx, 'pin.status', [{ ...row, status: state }])
  }

  /** The size is known; pins of users who have no room for it are let go. */
  async measured (tx: Sql, cid: string, { bytes, over }: { bytes: number, over: readonly string[] }): Promise<void> {
    await tx.updateTable('pins').set({ size_bytes: bytes }).where('cid', '=', cid).execute()
    for (const user of over) {
      const rows = await tx.selectFrom('pins').selectAll().where('user_id', '=', user).where('cid', '=', cid).execute()
      for (const row of rows) if (!isLetGo(row)) await this.#letGo(tx, row)
      if (rows.length > 0) await this.#tell(tx, user, cid)
    }
  }

  async #heldAgain (tx: Sql, row: PinRow): Promise<boolean> {
    try {
      await this.#hold(tx, row.user_id, row.cid)
      return true
    } catch (err) {
      if (!(err instanceof ClusterError && err.code === 'QUOTA_EXCEEDED')) throw err
      await this.#letGo(tx, row)
      await this.#tell(tx, row.user_id, row.cid)
      return false
    }
  }

  async #letGo (tx: Sql, row: PinRow): Promise<void> {
    await this.#giveUp(tx, row)
    await tx.updateTable('pins').set({
      status: 'failed', info: JSON.stringify(overQuota)
    }).where('user_id', '=', row.user_id).where('request_id', '=', row.request_id).execute()
    await this.#record(tx, 'pin.status', [{ ...row, status: 'failed' }], overQuota.details)
  }

  /** Quota and cluster hear that the row, as it was, is no more. */
  async #giveUp (tx: Sql, row: PinRow): Promise<void> {
    if (counts(row)) await this.#deps.quota.drop(tx, row.user_id, row.cid)
    if (!isLetGo(row)) await this.#deps.clusterPins.release(tx, row.cid)
  }

  /** Gives the size, if it is known. A CID of unknown size needs an account that isn't full. */
  async #hold (tx: Sql, user: string, cid: string): Promise<number | null> {
    const size = (await knownSizes(tx, [cid])).get(cid) ?? null
    const held = await tx.selectFrom('holdings').select('holders').where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
    if (held == null && size == null) await refuseFull(tx, user)
    await this.#deps.quota.hold(tx, user, cid, size)
    return size
  }

  async #record (
    tx: Sql, type: NewUserEvent['type'], rows: ReadonlyArray<Pick<PinRow, 'user_id' | 'request_id' | 'cid' | 'name' | 'status'>>,
    error?: string
  ): Promise<void> {
    const { events } = this.#deps
    if (events == null || rows.length === 0) return
    await events.record(tx, rows.map(({ user_id: user, request_id: requestid, cid, name, status }) =>
      ({ user, type, data: { requestid, cid, name: shortText(name), status, ...(error == null ? {} : { error }) } })))
  }

  async #tell (tx: Sql, user: string, cid: string): Promise<void> {
    const { listeners } = this.#deps
    if (listeners.length === 0) return
    const newest = await tx.selectFrom('pins').selectAll().where('user_id', '=', user).where('cid', '=', cid).orderBy('created', 'desc')
      .limit(1).executeTakeFirst()
    for (const listener of listeners) await listener(tx, user, cid, newest ?? null)
  }
}

/** What was measured once, for whomever. */
async function knownSizes (tx: Sql, cids: readonly string[]): Promise<Map<string, number>> {
  const held = await tx.selectFrom('holdings').select(['cid', 'size_bytes']).distinct().where('cid', 'in', cids).where(
    'size_bytes', 'is not', null
  ).execute()
  const measured = await tx.selectFrom('cluster_pins').select(['cid', 'size_bytes']).where('cid', 'in', cids).where(
    'size_bytes', 'is not', null
  ).execute()
  return new Map([...held, ...measured].map(({ cid, size_bytes: size }) => [cid, size ?? 0]))
}

/** What isn't known to fit needs an account that isn't full. */
async function refuseFull (tx: Sql, user: string): Promise<void> {
  const {
    used_bytes: used, quota_bytes: quota
  } = await tx.selectFrom('users').select(['used_bytes', 'quota_bytes']).where('id', '=', user).executeTakeFirstOrThrow()
  if (used >= quota) throw new ClusterError('QUOTA_EXCEEDED', { used, quota })
}

async function newestOf (tx: Sql, user: string): Promise<number> {
  const newest = await tx.selectFrom('pins').select('created').where('user_id', '=', user).orderBy('created', 'desc').limit(1)
    .executeTakeFirst()
  return newest?.created ?? 0
}
