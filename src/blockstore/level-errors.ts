import { ClusterError, messageOf } from '../base/errors.ts'

/** Codes of an error and its causes, outermost first. */
function codesOf (err: unknown): string[] {
  const codes: string[] = []
  for (let at = err; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') codes.push(at.code)
  }
  return codes
}

const noSpace = /no space left|disk quota exceeded|file too large/i

/** True when the disk (or a quota) has no room, whoever says so. */
function isDiskFull (err: unknown): boolean {
  return codesOf(err).some(code => code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') || noSpace.test(messageOf(err))
}

/** A write error as the contract names it: STORAGE_FULL, or the error itself. */
export function writeError (err: unknown, folder: string): unknown {
  if (!isDiskFull(err)) return err
  return new ClusterError('STORAGE_FULL', { folder }, { message: `no space left on the disk of ${folder}`, cause: err })
}

/** An error of opening a LevelDB folder: LOCKED, INVALID_DATA (`remedy` says the way out), STORAGE_FULL, or the error itself. */
export function openError (err: unknown, where: { folder: string, remedy: string }): unknown {
  const { folder, remedy } = where
  const codes = codesOf(err)
  if (codes.includes('LEVEL_LOCKED')) {
    return new ClusterError('LOCKED', { folder }, { message: `another process uses ${folder}`, cause: err })
  }
  const cause = err instanceof Error && err.cause != null ? err.cause : err
  if (codes.includes('LEVEL_CORRUPTION') || /corrupt|does not exist|no such file|missing files/i.test(messageOf(cause))) {
    return new ClusterError('INVALID_DATA', { folder }, { message: `${folder} is damaged (${messageOf(cause)}): ${remedy}`, cause: err })
  }
  return writeError(err, folder)
}
