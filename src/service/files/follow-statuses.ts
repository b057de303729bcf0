import type { Random } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { ClusterPins, ClusterPinStatus } from '../cluster-pins/cluster-pins.ts'
import type { Pins } from '../pins/pins.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql } from '../sql/sql.ts'
import type { FileRow, FileState, PinRow } from '../sql/tables.ts'
import { countsForQuota, nextFileState } from './file-state.ts'
import type { FileEvent } from './file-state.ts'
import { findFile } from './file-rows.ts'
import type { FileWriter, NewRow } from './file-writer.ts'

export interface FollowStatusesDeps {
  clusterPins: Pick<ClusterPins, 'onStatuses' | 'onSize'>, pins: Pick<Pins, 'onChange'>, writer: FileWriter, random: Random
}

const noRoom = 'the account is full'

/**
 * Keeps files in step with the cluster, with sizes that become known, and with the pins of the Pinning Service API. All of it in the
 * transactions of those who tell.
 */
export function followStatuses ({ clusterPins, pins, writer, random }: FollowStatusesDeps): void {
  clusterPins.onStatuses(async (tx, statuses) => {
    const rows = await tx.selectFrom('files').selectAll().where('cid', 'in', [...statuses.keys()])
      .where(eb => eb.or([eb('owns_pin', '=', 1), eb('origin', '=', 'pins')])).execute()
    for (const row of rows) {
      const status = statuses.get(row.cid)
      if (row.origin === 'pins') await followPins(tx, row, await newestPin(tx, row), { writer })
      else if (status != null) await followCluster(tx, row, { status, writer })
    }
  })

  clusterPins.onSize(async (tx, cid, bytes, over) => {
    const rows = await tx.selectFrom('files').selectAll().where('cid', '=', cid).where('origin', '<>', 'upload').where('size_bytes', '=', 0)
      .execute()
    for (const row of rows) {
      const isOver = row.owns_pin === 1 && over.includes(row.user_id)
      await writer.change(tx, row, {
        fields: { size_bytes: bytes, ...(isOver ? { error: noRoom } : {}) }, ...(isOver ? { event: 'over-quota' as const } : {})
      })
    }
  })

  pins.onChange(async (tx, user, cid, newest) => {
    const row = await findFile(tx, user, cid)
    // nobody but staging has the bytes of what was never asked for
    if (row == null && newest != null) await writer.insert(tx, entryFor(newest, { random }))
    else if (row?.state === 'staged' && newest != null) await writer.change(tx, row, { event: 'want-staged', fields: { error: null } })
    else if (row != null && row.cid === cid) await followPins(tx, row, newest ?? undefined, { writer })
  })
}

/** What the cluster says. A file that failed and comes back counts again, if there is room. */
async function followCluster (tx: Sql, row: FileRow, { status, writer }: { status: ClusterPinStatus, writer: FileWriter }): Promise<void> {
  const event = clusterEvent(row, status)
  const error = status.state === 'failed' ? status.info['error'] ?? cannotPin : null
  if (nextFileState(row.state, event) === row.state && row.error === error) return
  try {
    await writer.change(tx, row, { event, fields: { error } })
  } catch (err) {
    if (!isClusterError(err, 'QUOTA_EXCEEDED') || countsForQuota(row)) throw err
    await writer.change(tx, row, { event: 'over-quota', fields: { error: noRoom } })
  }
}

function clusterEvent ({ staging_key: key }: FileRow, { state }: ClusterPinStatus): FileEvent {
  if (state === 'pinned') return 'cluster-pinned'
  if (state !== 'failed') return 'cluster-pinning'
  return key == null ? 'cluster-failed' : 'cluster-failed-staged'
}

/**
 * An entry that stands for pins has the state of the newest, and goes with the last. A file that isn't pinned becomes one when its CID is
 * pinned by that API.
 */
async function followPins (tx: Sql, row: FileRow, newest: PinRow | undefined, { writer }: { writer: FileWriter }): Promise<void> {
  const isEntry = row.origin === 'pins'
  if (newest == null) {
    if (isEntry) await writer.remove(tx, row)
    return
  }
  const isFree = row.staging_key == null && row.owns_pin === 0 && (row.state === 'unpinned' || row.state === 'failed')
  if (!isEntry && !isFree) return
  await writer.change(tx, { ...row, state: stateOf(newest) }, {
    fields: {
      origin: 'pins',
      error: errorOf(newest),
      ...(isEntry ? { original_filename: nameOf(newest), meta: newest.meta, size_bytes: newest.size_bytes ?? row.size_bytes } : {})
    }
  })
}

const newestPin = async (tx: Sql, { user_id: user, cid }: FileRow): Promise<PinRow | undefined> =>
  tx.selectFrom('pins').selectAll().where('user_id', '=', user)
    .where('cid', '=', cid).orderBy('created', 'desc').limit(1).executeTakeFirst()

const nameOf = ({ name, cid }: PinRow): string => name === '' ? cid : name
const stateOf = ({ status }: PinRow): FileState => status === 'queued' ? 'pinning' : status
const cannotPin = 'the cluster could not pin it'
const errorOf = ({ status, info }: PinRow): string | null =>
  status === 'failed' ? (JSON.parse(info) as Record<string, string>)['error'] ?? cannotPin : null

const entryFor = (pin: PinRow, { random }: { random: Random }): NewRow => ({
  id: opaqueId(random),
  user_id: pin.user_id,
  workspace_id: pin.workspace_id,
  cid: pin.cid,
  kind: 'file',
  original_filename: nameOf(pin),
  content_type: 'application/octet-stream',
  size_bytes: pin.size_bytes ?? 0,
  group_id: null,
  meta: pin.meta,
  origin: 'pins',
  state: stateOf(pin),
  error: errorOf(pin),
  uploaded_at: pin.created,
  view_count: 0,
  last_accessed_at: 0,
  staging_key: null,
  lease_until: null,
  tries: 0
})
