import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Why no file system can be mounted here, or false when one can: what `it` takes as `skip`. */
export function noSmallDisk (): string | false {
  const tried = spawnSync(
    'unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /tmp && nsenter --version'], { encoding: 'utf8' }
  )
  if (tried.error != null) return 'unshare is not on PATH'
  return tried.status === 0 ? false : `unshare --mount, mount, nsenter: ${tried.stderr.trim()}`
}

/** A tmpfs over a folder, with what was in the folder, in a mount namespace of its own. */
export interface SmallDisk {
  /** The folder as this process sees it. */
  path: string
  freeBytes (): number
  /** Takes every byte that is left, in a file `name`. */
  fill (name: string): void
  remove (name: string): void
  /** Runs a program that sees the disk; its standard error goes to the file `stderr.log` on it. */
  spawn (program: string, args: readonly string[], options: SpawnOptions): ChildProcess
  close (): void
}

const mounting =
  'set -e; cp -a "$1/." "$1.before"; mount -t tmpfs -o size=$2 tmpfs "$1"; cp -a "$1.before/." "$1"; rm -r "$1.before"; echo mounted; exec cat'

export async function smallDisk (folder: string, size: string): Promise<SmallDisk> {
  const holder = spawn('unshare', ['--mount', '--', 'sh', '-c', mounting, 'sh', folder, size], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  const path = `/proc/${holder.pid}/root${folder}`
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  }
  return {
    path,
    freeBytes,
    fill: name => {
      const fd = openSync(join(path, name), 'a')
      try {
        for (let chunk = 1024 * 1024; chunk >= 1;) {
          try {
            if (writeSync(fd, Buffer.alloc(chunk, 1)) < chunk) chunk /= 2
          } catch {
            chunk = Math.floor(chunk / 2)
          }
        }
      } finally {
        closeSync(fd)
      }
    },
    remove: name => rmSync(join(path, name)),
    spawn: (program, args, options) => spawn('nsenter',
      [
        '-t', String(holder.pid), '-m', '--', 'sh', '-c', 'log=$1; shift; exec "$@" 2>>"$log"', 'sh', join(folder, 'stderr.log'), program,
        ...args
      ],
      options),
    close: () => { holder.kill('SIGKILL') }
  }
}
