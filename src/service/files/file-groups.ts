import type { Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { GroupRow } from '../sql/tables.ts'
import type { Groups } from './files.ts'

export interface FileGroupsDeps { database: Pick<SqlDatabase, 'db' | 'transaction' | 'now'>, random: Random }

const nameTaken = (name: string): ClusterError =>
  new ClusterError('CONFLICT', { name }, { message: 'there is a group of this name already' })
const noSuchGroup = (group: string): ClusterError =>
  new ClusterError('NOT_FOUND', { group: group.slice(0, 200) }, { message: 'there is no such group' })

/** Groups of files: a name that many files of a user have in common. */
export function fileGroups ({ database, random }: FileGroupsDeps): Groups {
  const groupOf = async (tx: Sql, user: string, id: string): Promise<GroupRow> => {
    const row = await tx.selectFrom('groups').selectAll().where('user_id', '=', user).where('id', '=', id).executeTakeFirst()
    if (row == null) throw noSuchGroup(id)
    return row
  }
  const isTaken = async (tx: Sql, user: string, name: string): Promise<boolean> =>
    await tx.selectFrom('groups').select('id').where('user_id', '=', user).where('name', '=', name).executeTakeFirst() != null
  return {
    list: async user => database.db.selectFrom('groups').selectAll().where('user_id', '=', user).orderBy('name').execute(),

    create: async ({ id: user, workspace }, name) => database.transaction(async tx => {
      if (await isTaken(tx, user, name)) throw nameTaken(name)
      const row: GroupRow = { id: opaqueId(random), user_id: user, workspace_id: workspace, name, created_at: database.now() }
      await tx.insertInto('groups').values(row).execute()
      return row
    }),

    rename: async (user, id, name) => database.transaction(async tx => {
      const row = await groupOf(tx, user, id)
      if (row.name !== name && await isTaken(tx, user, name)) throw nameTaken(name)
      await tx.updateTable('groups').set({ name }).where('user_id', '=', user).where('id', '=', id).execute()
      return { ...row, name }
    }),

    remove: async (user, id) => {
      await database.transaction(async tx => {
        await groupOf(tx, user, id)
        await tx.updateTable('files').set({ group_id: null }).where('user_id', '=', user).where('group_id', '=', id).execute()
        await tx.deleteFrom('groups').where('user_id', '=', user).where('id', '=', id).execute()
      })
    }
  }
}
