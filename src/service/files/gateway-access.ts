import { parseCid } from '../../model/cid.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Usage } from '../usage/usage.ts'
import type { FileImports } from './file-imports.ts'
import { textsOf } from './file-rows.ts'
import type { FileWriter } from './file-writer.ts'
import type { GatewayAccess } from './files.ts'

export interface GatewayAccessDeps {
  database: Pick<SqlDatabase, 'db' | 'transaction'>
  writer: FileWriter
  imports: Pick<FileImports, 'expect' | 'pendingImport' | 'wake'>
  clusterPins: Pick<ClusterPins, 'wake'>
  usage: Pick<Usage, 'viewed'>
}

/** More people with the same content than are told of one view. */
const mostOwners = 1000

/** What the gateway of the service needs: who has a CID, its import on first access, and views. */
export function gatewayAccess ({ database, writer, imports, clusterPins, usage }: GatewayAccessDeps): GatewayAccess {
  return {
    find: async cid => {
      const texts = textsOf(cid)
      if (texts.length === 0) return undefined
      const rows = await database.db.selectFrom('files').select(['user_id', 'cid', 'state'])
        .where('cid', 'in', texts).limit(mostOwners).execute()
      return rows.length === 0 ? undefined : {
        owners: rows.map(row => ({ user: row.user_id, cid: row.cid, isStaged: row.state === 'staged' }))
      }
    },

    begin: async ({ owners }) => {
      const staged = owners.filter(({ isStaged }) => isStaged)
      const [first] = staged
      if (first == null) return
      await database.transaction(async tx => {
        for (const { user, cid } of staged) {
          const row = await tx.selectFrom('files').selectAll().where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
          if (row?.state === 'staged') await writer.change(tx, row, {
            event: row.staging_key == null ? 'want' : 'want-staged', fields: { error: null }
          })
        }
      })
      imports.expect(parseCid(first.cid))
      imports.wake()
      clusterPins.wake()
    },

    viewed: ({ owners }) => { for (const { user, cid } of owners) usage.viewed(user, cid) },
    pendingImport: root => imports.pendingImport(root)
  }
}
