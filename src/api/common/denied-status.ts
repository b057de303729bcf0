import { isClusterError } from '../../base/errors.ts'

/** The status for a request that would pin or add what is on the denylist; undefined for other errors. */
export const deniedStatus = (err: unknown): 403 | 451 | undefined =>
  isClusterError(err, 'DENIED') ? err.details.reason === 'legal' ? 451 : 403 : undefined
