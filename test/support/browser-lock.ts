import { mkdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { pollUntil } from './poll.ts'

const root = join(import.meta.dirname, '../..')
/** Whoever holds it longer was killed. */
const heldAtMostMs = 120_000

/** One at a time of all the processes that work on this checkout. */
export async function underLock<T> (name: string, work: () => Promise<T>): Promise<T> {
  const folder = join(tmpdir(), `helia-cluster-${name}-${hash('sha256', root).slice(0, 12)}.lock`)
  await pollUntil(async () => {
    const isMine = await mkdir(folder).then(() => true, () => false)
    if (isMine) return true
    const age = Date.now() - ((await stat(folder).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > heldAtMostMs) await rm(folder, { recursive: true, force: true })
    return false
  }, { withinMs: 2 * heldAtMostMs, what: 'the build of the web pages' })
  try {
    return await work()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
