import type { Kysely } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import { CID, parseCid } from '../../model/cid.ts'
import { dagPbCodec, sha256Hash } from '../../model/multicodec.ts'
import type { FileRow, Tables } from '../sql/tables.ts'

/** The texts under which rows may have this CID, its own first: v0 and v1 of one block. Empty for what is no CID. */
export function textsOf (cid: string): string[] {
  try {
    const parsed = parseCid(cid)
    return [parsed.toString(), ...otherVersion(parsed)]
  } catch {
    return []
  }
}

function otherVersion ({ version, code, multihash }: CID): string[] {
  if (version === 0) return [CID.createV1(dagPbCodec, multihash).toString()]
  const hasV0 = code === dagPbCodec && multihash.code === sha256Hash && multihash.size === 32
  return hasV0 ? [CID.createV0(multihash as Parameters<typeof CID.createV0>[0]).toString()] : []
}

/** The user's file with this CID, in either version of it, the given one first. Undefined: there is none, or that is no CID. */
export async function findFile (db: Kysely<Tables>, user: string, cid: string): Promise<FileRow | undefined> {
  const texts = textsOf(cid)
  if (texts.length === 0) return undefined
  const rows = await db.selectFrom('files').selectAll().where('user_id', '=', user).where('cid', 'in', texts).execute()
  return rows.find(row => row.cid === texts[0]) ?? rows[0]
}

/** The same; throws NOT_FOUND when there is none. */
export async function fileOf (db: Kysely<Tables>, user: string, cid: string): Promise<FileRow> {
  const file = await findFile(db, user, cid)
  if (file == null) throw noSuchFile(cid)
  return file
}

const noSuchFile = (cid: string): ClusterError =>
  new ClusterError('NOT_FOUND', { cid: cid.slice(0, 200) }, { message: 'there is no file with this CID' })

/** Throws NOT_FOUND for a group that isn't the user's. None (null, undefined) is fine. */
export async function checkGroup (db: Kysely<Tables>, user: string, group: string | null | undefined): Promise<void> {
  if (group == null) return
  const row = await db.selectFrom('groups').select('id').where('user_id', '=', user).where('id', '=', group).executeTakeFirst()
  if (row == null) throw new ClusterError('NOT_FOUND', { group }, { message: 'there is no such group' })
}
