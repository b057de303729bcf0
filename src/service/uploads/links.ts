import { createHash } from 'node:crypto'
import type { Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { checkGroup } from '../files/file-rows.ts'
import { opaqueId, randomText } from '../sql/ids.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { LinkRow } from '../sql/tables.ts'
import { noSuchLink } from './upload-rows.ts'
import type { UploadLinks } from './uploads.ts'

export interface UploadLinksDeps { database: SqlDatabase, random: Random }

const secretPrefix = 'ul_'
const secretLength = 32

/** Links by which others upload into an account. */
export function uploadLinks ({ database, random }: UploadLinksDeps): UploadLinks {
  const owner = async (secret: string): Promise<LinkRow> => {
    const found = await database.db.selectFrom('links').innerJoin('users', 'users.id', 'links.user_id').selectAll('links')
      .where('links.secret_hash', '=', hashOf(secret)).where('users.state', '=', 'active').executeTakeFirst()
    if (found == null) throw noSuchLink()
    return found
  }

  return {
    async create ({ id: user, workspace }, { name, maxBytes, contentTypes, group, maxUses, expiresAt }) {
      const secret = secretPrefix + randomText(random, secretLength)
      const id = opaqueId(random)
      const link = await database.transaction(async tx => {
        await checkGroup(tx, user, group)
        return await tx.insertInto('links').values({
          id, name, secret_hash: hashOf(secret), user_id: user, workspace_id: workspace, max_bytes: maxBytes,
          content_types: JSON.stringify(contentTypes), group_id: group, max_uses: maxUses, uses: 0, expires_at: expiresAt,
          created_at: database.now(), revoked_at: null
        }).returningAll().executeTakeFirstOrThrow()
      })
      return { link, secret }
    },

    async list (user) {
      return await database.db.selectFrom('links').selectAll().where('user_id', '=', user).orderBy('created_at', 'desc').orderBy('id')
        .limit(1000).execute()
    },

    async revoke (user, id) {
      await database.transaction(async tx => {
        const found = await tx.selectFrom('links').select('revoked_at').where('id', '=', id).where('user_id', '=', user).executeTakeFirst()
        if (found == null) throw new ClusterError('NOT_FOUND', { id: id.slice(0, 100) }, { message: 'there is no such upload link' })
        if (found.revoked_at == null) {
          await tx.updateTable('links').set({ revoked_at: database.now() }).where('id', '=', id).where('user_id', '=', user).execute()
        }
      })
    },

    owner,

    async find (secret) {
      const link = await owner(secret)
      if (link.revoked_at != null || link.expires_at <= database.now() || link.uses >= link.max_uses) throw noSuchLink()
      return link
    }
  }
}

/** The secrets are random and long: a plain hash does, and can be looked up. */
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
