import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { kernelLock } from '../../src/base/kernel-lock.ts'

/**
 * A folder below `parent` that belongs to this process until it ends, however it ends: two runs in one checkout don't touch each other's
 * files. The next run gets it with what is in it: nothing piles up, and what was compiled of a program is valid where its path is the same.
 */
export function runFolder (parent: string): string {
  for (let at = 1; ; at++) {
    const folder = join(parent, `${at}`)
    mkdirSync(folder, { recursive: true })
    if (kernelLock(join(folder, 'lock')) != null) return folder
  }
}
