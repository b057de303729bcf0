import { chmodSync, closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ClusterError } from '../../../base/errors.ts'
import { openingError } from './integrity.ts'

/**
 * Writes a copy of the database as it is at this moment into a file that isn't there yet, also while a daemon works with it. Everything is
 * in that one file, and on the disk when this returns.
 * Nothing stays when it fails. Throws NOT_FOUND when there is no database, CONFLICT when the target is there.
 */
export function copyDatabase (file: string, target: string): void {
  reserve(target)
  try {
    const db = openExisting(file)
    try {
      // into an empty file: its rights are set already
      db.prepare('VACUUM INTO ?').run(target)
    } finally {
      db.close()
    }
    chmodSync(target, 0o600)
    const descriptor = openSync(target, 'r')
    try { fsyncSync(descriptor) } finally { closeSync(descriptor) }
  } catch (err) {
    rmSync(target, { force: true })
    throw openingError(err, file)
  }
}

function reserve (target: string): void {
  try {
    closeSync(openSync(target, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new ClusterError('CONFLICT', { target }, { message: `${target} is there already`, cause })
  }
}

function openExisting (file: string): DatabaseSync {
  try {
    closeSync(openSync(file, 'r'))
  } catch (cause) {
    throw new ClusterError('NOT_FOUND', { file }, { message: `there is no database ${file}`, cause })
  }
  return new DatabaseSync(file, { readOnly: true, timeout: 5000 })
}
