import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../src/base/log.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { denyFiles } from '../../src/ipfs/compact-denylist/deny-files.ts'
import type { DenyFiles } from '../../src/ipfs/compact-denylist/deny-files.ts'

const never = new AbortController().signal

export interface DenyLists {
  denylist: DenyFiles
  folder: string
  /** Writes a list; it counts after `look`. */
  write (name: string, lines: readonly string[]): Promise<void>
  /** As the worker looks when a change has come to rest. */
  look (): Promise<void>
  close (): Promise<void>
}

/** A folder with one list, `test.deny`, in force. */
export async function denyLists (lines: readonly string[], { log = silentLogger }: { log?: Logger } = {}): Promise<DenyLists> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-deny-'))
  const write = async (name: string, some: readonly string[]): Promise<void> => writeFile(join(folder, name), `${some.join('\n')}\n`)
  await write('test.deny', lines)
  const denylist = denyFiles({ sources: [{ path: folder, required: true }] }, { clock: systemClock, log })
  await denylist.start(never)
  return {
    denylist,
    folder,
    write,
    look: async () => {
      await denylist.upkeep.work(never)
      await denylist.upkeep.work(never)
    },
    close: async () => rm(folder, { recursive: true, force: true })
  }
}
