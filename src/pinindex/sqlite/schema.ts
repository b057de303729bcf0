import type { DatabaseSync } from 'node:sqlite'
import { ClusterError } from '../../base/errors.ts'
import type { IndexedStatus } from '../pinindex.ts'

/** Of the tables, kept as `user_version`. A file of a newer one is refused. */
const formatVersion = 1

/** Never change a number: they are on the disk. */
export const statusCodes: Readonly<Record<IndexedStatus, number>> = { unknown: 0, queued: 1, pinning: 2, pinned: 3, failed: 4, absent: 5 }

const namesByCode = new Map(Object.entries(statusCodes).map(([name, code]) => [code, name as IndexedStatus]))

/** The status that the index stores as this number; "unknown" for numbers of later versions. */
export const statusOfCode = (code: number): IndexedStatus => namesByCode.get(code) ?? 'unknown'

/**
 * `created` is the row's key, so every index ends with it and gives its rows in that order. `second` is the pin's own time. `metadata` is
 * JSON with sorted keys, '' for none. Few pins of a real pinset have no name, but those needn't be found by it.
 */
const schema = `
  CREATE TABLE pins (created INTEGER PRIMARY KEY, cid TEXT NOT NULL UNIQUE, second INTEGER NOT NULL, status INTEGER NOT NULL, name TEXT NOT NULL, metadata TEXT NOT NULL) STRICT;
  CREATE INDEX by_status ON pins (status);
  CREATE INDEX by_name ON pins (name, status) WHERE name <> '';
  PRAGMA user_version = ${formatVersion};
`

/**
 * Sets the database up for one writer that may be killed, and makes the tables when there are none. Throws INVALID_DATA for a newer format.
 */
export function prepareDatabase (db: DatabaseSync, file: string): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > formatVersion) {
    throw new ClusterError('INVALID_DATA', { file, version }, {
      message: `${file} was written by a newer version (format ${version}, this one knows ${formatVersion}): update, or remove the file, it is made again`
    })
  }
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 16777216')
  if (version === 0) db.exec(`BEGIN; ${schema} COMMIT`)
}
