import type { SqlDatabase } from '../sql/sql.ts'
import type { LiveStagingKeys } from './uploads.ts'

/** See `LiveStagingKeys`. At most 500 keys at once. Uploads that have expired are live until the worker has ended them. */
export function liveStagingKeys ({ database: { db } }: { database: SqlDatabase }): LiveStagingKeys {
  return async keys => {
    if (keys.length === 0) return new Set()
    // one statement: an upload that becomes a file meanwhile is seen as one or the other
    const files = db.selectFrom('files').select('staging_key').where('staging_key', 'in', [...keys])
    const found = await db.selectFrom('uploads').select('staging_key').where('staging_key', 'in', [...keys]).unionAll(files).execute()
    return new Set(found.flatMap(({ staging_key: key }) => key == null ? [] : [key]))
  }
}
