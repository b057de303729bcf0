import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A file by what stat says of it. */
export interface FileNumber { dev: number, ino: number }

/**
 * False when certainly nobody holds a lock on this file. `locks`: as Linux lists them in /proc/locks. It names files by their number, which
 * files of other file systems have, too, and by a device that some file systems (btrfs, overlay) call otherwise in stat. So the files that
 * the holders have open are looked at; who can't be looked into (another user, another namespace) may hold it.
 */
export function mayBeLocked (file: FileNumber, { locks, processes = '/proc' }: { locks: string, processes?: string }): boolean {
  return locks.split('\n').some(line => {
    const [, pid, ino] = /\s(-?\d+)\s+\S+:\S+:(\d+)\s/.exec(line) ?? []
    return Number(ino) === file.ino && pid != null && mayHaveOpen(join(processes, pid, 'fd'), file)
  })
}

function mayHaveOpen (descriptors: string, { dev, ino }: FileNumber): boolean {
  try {
    return readdirSync(descriptors).some(name => {
      const open = statSync(join(descriptors, name), { throwIfNoEntry: false })
      return open?.dev === dev && open.ino === ino
    })
  } catch {
    return true
  }
}
