import { readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ClusterError } from '../../base/errors.ts'
import { holderSeen, kernelLock } from '../../base/kernel-lock.ts'
import type { KernelLock } from '../../base/kernel-lock.ts'

/** A held lock. `release` is idempotent. */
export interface FolderLock { release (): void }

/**
 * Takes `cluster.lock` of a folder: one daemon, `state` command or `init` at a time. The kernel holds it, as it holds that of Go's
 * programs, so it ends with the process and is seen from every container of this machine. What the file system can't lock is refused.
 * Throws LOCKED, with the holder's pid in `details.pid` (0: not seen from here) and the way out in the message, which is one line. `take`
 * takes the kernel's lock.
 *
 * The file is empty (Go's programs refuse any other); who has it stands beside it in `cluster.lock.holder`, for messages only.
 */
export function lockFolder (folder: string, take = kernelLock): FolderLock {
  const path = join(folder, 'cluster.lock')
  checkEmpty(path)
  const lock = lockedWithRoom(folder, () => take(path))
  if (lock == null) throw lockedBy(path)
  const note = writeNote(path)
  return { release: onceOnly(() => release(lock, { path, note })) }
}

/**
 * On a disk without room for even a name, the reserve is given up: a peer that doesn't start can't unpin anything. It is taken again when
 * there is room.
 */
function lockedWithRoom (folder: string, take: () => KernelLock | undefined): KernelLock | undefined {
  try {
    return take()
  } catch (err) {
    const reserve = join(folder, 'reserve')
    if ((err as NodeJS.ErrnoException).code !== 'ENOSPC' || statSync(reserve, { throwIfNoEntry: false }) == null) throw err
    rmSync(reserve, { force: true })
    return take()
  }
}

function onceOnly (work: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    work()
  }
}

/** The file goes while it is still locked: afterwards it could be somebody else's. */
function release (lock: KernelLock, { path, note }: { path: string, note: string }): void {
  try {
    if (!lock.isInPlace()) return
    if (readIfThere(notePath(path)) === note) rmSync(notePath(path), { force: true })
    // Windows removes no open file: an empty one that nobody holds may stay
    try { unlinkSync(path) } catch {}
  } finally {
    lock.close()
  }
}

/**
 * Nobody who holds the lock today writes into the file. That a process with a number that stands there lives, or doesn't, proves nothing.
 */
function checkEmpty (path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  throw new ClusterError('LOCKED', { path, pid: 0 }, {
    message: `${path} has content, so it isn't from this version of the program: if no ipfs-cluster-service or helia-cluster-service runs on this folder, remove the file`
  })
}

interface Holder { pid: number, host: string }

const notePath = (path: string): string => `${path}.holder`

/** A disk without room doesn't keep anybody from starting. */
function writeNote (path: string): string {
  const holder: Holder = { pid: process.pid, host: hostname() }
  const note = `${JSON.stringify(holder)}\n`
  try { writeFileSync(notePath(path), note, { mode: 0o644 }) } catch {}
  return note
}

function readNote (path: string): Holder | undefined {
  try {
    const { pid, host } = JSON.parse(readIfThere(notePath(path)) ?? '')
    return Number.isSafeInteger(pid) && typeof host === 'string' ? { pid, host } : undefined
  } catch {
    return undefined
  }
}

function readIfThere (path: string): string | undefined {
  try { return readFileSync(path, 'utf8') } catch { return undefined }
}

function lockedBy (path: string): ClusterError {
  const seen = holderSeen(path)
  const note = seen == null ? readNote(path) : undefined
  const way = 'stop it first, or use another folder (-c).'
  if (seen != null) return locked({ path, pid: seen }, `process ${seen} holds ${path}: ${way} \`kill ${seen}\` stops it orderly.`)
  // the note of a process that was killed stays, and Go's programs write none
  if (note != null) {
    return locked(
      { path, pid: 0 }, `another program holds ${path}, as far as known process ${note.pid} on ${JSON.stringify(note.host)}: ${way}`
    )
  }
  return locked(
    { path, pid: 0 },
    `another program holds ${path}, in another container or on another machine, or the file system can't lock files: ${way}`
  )
}

const locked = (facts: { path: string, pid: number }, message: string): ClusterError => new ClusterError('LOCKED', facts, { message })
