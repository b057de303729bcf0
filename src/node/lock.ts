import { linkSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from '../base/errors.ts'

/** A held lock. `release` is idempotent. */
export interface FolderLock { release (): void }

const held = new Set<string>()

/**
 * Takes `cluster.lock` of a folder: one daemon, `state` command or `init` at a time. The file holds the pid of who has it and when that process
 * began, so that a lock left by a dead process (or by another process that had the same pid before) is taken over. Throws LOCKED, with the holder's
 * pid in `details.pid` and the way out in the message.
 */
export function lockFolder (folder: string): FolderLock {
  const path = join(folder, 'cluster.lock')
  const mine = stampOf(process.pid)
  const draft = `${path}.${process.pid}.tmp`
  if (held.has(path)) throw lockedBy(path, process.pid)
  writeFileSync(draft, mine, { mode: 0o644 })
  try {
    // whoever comes second in a race for a stale lock finds a live one on the next round
    while (!tryLink(draft, path)) removeStale(path)
  } finally {
    unlinkSync(draft)
  }
  held.add(path)
  return { release: () => { if (held.delete(path)) unlinkIfThere(path, mine) } }
}

function tryLink (draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}

/** Removes the lock file when nobody holds it; throws LOCKED otherwise. */
function removeStale (path: string): void {
  const content = readIfThere(path)
  if (content == null) return
  const holder = holderOf(path, content)
  if (holder != null) throw lockedBy(path, holder)
  // by renaming, so that two processes can't both remove: what was renamed must still be the stale one
  const grave = `${path}.${process.pid}.stale`
  try { renameSync(path, grave) } catch { return }
  const isSame = readIfThere(grave) === content
  if (!isSame) tryLink(grave, path)
  unlinkSync(grave)
}

/** The pid of the living holder (0: alive, but its pid isn't known); undefined when there is none. */
function holderOf (path: string, content: string): number | undefined {
  const pid = Number(/^\d+/.exec(content)?.[0] ?? 0)
  if (pid === 0) return isHeldByKernelLock(path) ? 0 : undefined
  if (pid === process.pid || !isAlive(pid)) return undefined
  const began = content.split('\n')[1] ?? ''
  return began === '' || stampOf(pid).split('\n')[1] === began ? pid : undefined
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    // a process that has ended and that its parent hasn't looked after yet holds nothing
    return statOf(pid)?.[0] !== 'Z'
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Go's programs leave the file empty and hold a kernel lock on it. Where that can't be seen, the file counts as held. */
function isHeldByKernelLock (path: string): boolean {
  const locks = readIfThere('/proc/locks')
  return locks == null || locks.includes(`:${statSync(path).ino} `)
}

/** Two lines: the pid, and (on Linux) boot and tick at which the process began. */
function stampOf (pid: number): string {
  const ticks = statOf(pid)?.[19]
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')?.trim()
  return `${pid}\n${ticks == null || boot == null ? '' : `${boot} ${ticks}`}\n`
}

/** Linux's words on a process, from its state letter on. */
const statOf = (pid: number): string[] | undefined => readIfThere(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')

function readIfThere (path: string): string | undefined {
  try { return readFileSync(path, 'utf8') } catch { return undefined }
}

function unlinkIfThere (path: string, content: string): void {
  if (readIfThere(path) === content) unlinkSync(path)
}

function lockedBy (path: string, pid: number): ClusterError {
  const who = pid === 0 ? 'another program' : `process ${pid}`
  const message = `${who} holds ${path}: stop it first, or use another folder (-c). ` +
    (pid === 0 ? 'If no ipfs-cluster-service or helia-cluster-service runs on this folder, remove the file.' : `\`kill ${pid}\` stops it orderly.`)
  return new ClusterError('LOCKED', { path, pid }, { message })
}
