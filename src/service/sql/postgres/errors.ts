import { ClusterError, errorCodes, isClusterError, messageOf } from '../../../base/errors.ts'
import type { ErrorCode } from '../../../base/errors.ts'

/** Another transaction was in the way, or another version of this program has changed a table: the same again may go well. */
const changedPlan = '0A000'
const conflicts = ['40001', '40P01', changedPlan]

/** SQLSTATEs, whole or their class: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const codes: Readonly<Record<string, ErrorCode>> = {
  '08': 'NOT_READY', // connection
  '53': 'NOT_READY', // too many connections, out of memory
  53100: 'STORAGE_FULL',
  '57P': 'NOT_READY', // shut down, starting
  57014: 'TIMEOUT',
  25006: 'INTERNAL', // a write where only reading is allowed
  '25P03': 'NOT_READY',
  23505: 'CONFLICT',
  23503: 'CONFLICT',
  22021: 'INVALID_ARGUMENT', // U+0000
  '22P02': 'INVALID_ARGUMENT',
  '22P05': 'INVALID_ARGUMENT',
  54000: 'INVALID_ARGUMENT', // too long for an index
  28: 'INVALID_CONFIG', // user or password
  '3D000': 'INVALID_CONFIG', // no such database
  42501: 'INVALID_CONFIG', // not allowed
  '0A000': 'NOT_READY', // see `changedPlan`
  '58P01': 'INVALID_CONFIG' // no such extension
}

/** Has a digit, unlike EPIPE. */
const sqlState = (err: unknown): string | undefined => {
  const code = (err as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) ? code : undefined
}

/** For an error of ours, what it was made from. */
const original = (err: unknown): unknown => isClusterError(err) && err.cause != null ? err.cause : err

/** Whether a transaction lost against another one and may be tried again. */
export const isConflict = (err: unknown): boolean => conflicts.includes(sqlState(original(err)) ?? '')

/** While the tables are made, the same code says that an extension isn't there. */
export const isMissingFeature = (err: unknown): boolean => sqlState(original(err)) === changedPlan

/** What the client or the server threw as one of our errors. What comes from the network means that the server is away. */
export function postgresError (err: unknown): unknown {
  if (isClusterError(err)) return err
  const state = sqlState(err)
  const code = state == null ? networkCode(err) : codes[state] ?? codes[state.slice(0, 3)] ?? codes[state.slice(0, 2)] ?? 'INTERNAL'
  if (code == null) return err
  const details = state == null ? {} : { sqlState: state }
  // its words name addresses, tables and columns: they are for the log, and for whoever writes the configuration
  const why = code === 'INVALID_CONFIG' ? `: ${messageOf(err)}` : code === 'NOT_READY' ? ' does not answer' : `: ${errorCodes[code]}`
  return new ClusterError(code, details, { message: `the service's database${why}`, cause: err })
}

/** Node's errors of sockets have codes in capitals; the client's own about connections only have sentences. */
function networkCode (err: unknown): ErrorCode | undefined {
  const code = (err as { code?: unknown } | null)?.code
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return 'NOT_READY'
  if (err instanceof AggregateError) return 'NOT_READY'
  return err instanceof Error && /connection|timeout|client was closed|not queryable|pool after calling end/i.test(err.message)
    ? 'NOT_READY'
    : undefined
}

/** Whether the connection that threw this is of no use any more. */
export const isGone = (err: unknown): boolean => {
  const state = sqlState(err)
  return state == null || ['08', '57'].includes(state.slice(0, 2)) || state === '25P03' || state === changedPlan
}
