import { accessSync, closeSync, constants, openSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A lock on a file, held for this process by the kernel; it ends with the process, however that ends. `close` is idempotent. */
export interface KernelLock {
  /** True while the locked file is the one at the path: somebody may have removed it. */
  isInPlace (): boolean
  /** Gives the lock up. */
  close (): void
}

/** SQLite's result codes, without what they have in the upper bytes. */
const busy = 5
const unusable = [8, 14]

/** A lock ends when its object is collected; nobody but `close` shall end it. */
const held = new Set<DatabaseSync>()

/**
 * Takes the kernel's lock on an empty file, which is made when missing; undefined when another process (or another holder in this one) has
 * it. Throws what the file system says when the file can't be made or written. The file stays empty.
 *
 * SQLite is only the way to the lock: Node has none, and an exclusive transaction on an empty database takes POSIX record locks (fcntl
 * F_SETLK; on Windows LockFileEx). They collide with every other POSIX lock that covers the range, such as the ones of Go's programs and
 * LevelDB on the whole file. A POSIX lock is lost as soon as its process closes any descriptor of the file: SQLite sees to that for its
 * own, nobody else may open the file.
 */
export function kernelLock (path: string): KernelLock | undefined {
  // a file that was removed between opening and locking protects nothing: whoever comes next makes a new one. So the one at the path must
  // be the same before and after; one that wasn't there is only made in the first round
  for (let tries = 0; tries < 10; tries++) {
    const before = fileAt(path)
    const database = exclusive(path)
    if (database == null) return undefined
    const locked = fileAt(path)
    if (locked != null && before === locked) return lockOn(database, { path, locked })
    database.close()
  }
  return undefined
}

function lockOn (database: DatabaseSync, { path, locked }: { path: string, locked: string }): KernelLock {
  held.add(database)
  return {
    isInPlace: () => fileAt(path) === locked,
    close: () => { if (held.delete(database)) database.close() }
  }
}

function exclusive (path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    // the journal in memory: nothing is written, not even on a full disk
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (err) {
    database?.close()
    const code = ((err as { errcode?: number }).errcode ?? 0) & 0xff
    if (code === busy) return undefined
    if (unusable.includes(code)) checkUsable(path)
    throw err
  }
}

/** SQLite says only that it can't; the file system says why. */
function checkUsable (path: string): void {
  accessSync(dirname(path), constants.W_OK)
  // nothing is locked here: a full disk has no room for a name
  if (fileAt(path) == null) closeSync(openSync(path, 'a'))
  accessSync(path, constants.R_OK | constants.W_OK)
}

/** What tells a file from any other that was or will be at the path: numbers of inodes are used again. */
function fileAt (path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found == null ? undefined : `${found.dev} ${found.ino} ${found.birthtimeNs}`
}

/**
 * The process that holds a POSIX lock on a file, as far as this system tells (Linux, in /proc/locks): undefined for one that can't be seen
 * from here, in another container or on another machine.
 */
export function holderSeen (path: string): number | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found == null) return undefined
  const wanted = `${deviceText(found.dev)}:${found.ino}`
  for (const line of readIfThere('/proc/locks').split('\n')) {
    const [, kind, , , pid, file = ''] = line.trim().split(/\s+/)
    if (kind === 'POSIX' && file === wanted && Number(pid) > 0) return Number(pid)
  }
  return undefined
}

/** Major and minor number as /proc/locks has them. */
function deviceText (device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn)
  return [major, minor].map(one => one.toString(16).padStart(2, '0')).join(':')
}

function readIfThere (path: string): string {
  try { return readFileSync(path, 'utf8') } catch { return '' }
}
