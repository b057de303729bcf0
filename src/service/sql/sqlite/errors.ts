import { ClusterError, errorCodes, isClusterError } from '../../../base/errors.ts'
import type { ErrorCode } from '../../../base/errors.ts'

interface SqliteError { errcode?: unknown }

/** SQLite's codes without what specifies them: https://sqlite.org/rescode.html */
const busy = [5, 6]
const codes: Readonly<Record<number, ErrorCode>> = {
  5: 'NOT_READY', 6: 'NOT_READY', 13: 'STORAGE_FULL', 18: 'INVALID_ARGUMENT', 19: 'CONFLICT'
}
/** What is on the disk isn't what was written there. */
const damage = [11, 26]

const codeOf = (err: unknown): number | undefined => {
  const code = (err as SqliteError | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Another process has the lock. */
export const isBusy = (err: unknown): boolean => busy.includes(codeOf(err) ?? -1)

/** What SQLite threw as one of our errors; what isn't SQLite's is left as it is. */
export function sqliteError (err: unknown, file: string): unknown {
  const sqliteCode = codeOf(err)
  if (isClusterError(err) || sqliteCode == null) return err
  const code = codes[sqliteCode] ?? 'INTERNAL'
  // its words name tables and columns: they are for the log
  const why = damage.includes(sqliteCode) ? 'it is damaged' : code === 'NOT_READY' ? 'another process writes to it' : errorCodes[code]
  return new ClusterError(
    code, damage.includes(sqliteCode) ? { file, sqliteCode, damaged: true } : { sqliteCode },
    { message: `the service's database: ${why}`, cause: err }
  )
}
