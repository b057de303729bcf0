import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { ClusterError } from '../../base/errors.ts'

const sealOf = (file: string): string => `${file}.sealed`

/** After a clean stop: remembers what the file holds. SQLite has no checksums of its own. */
export function sealFile (file: string): void {
  if (file !== ':memory:') writeFileSync(sealOf(file), `${crc32(readFileSync(file))}\n`, { mode: 0o600 })
}

/** Before the file is opened: true when it was closed in order. Throws INVALID_DATA when it has changed since then. */
export function unsealFile (file: string): boolean {
  if (file === ':memory:') return true
  const seal = readIfThere(sealOf(file))?.toString('latin1')
  rmSync(sealOf(file), { force: true })
  const content = readIfThere(file)
  if (content == null) return true
  // half a seal says nothing
  if (seal == null || !/^\d+\n$/.test(seal)) return false
  if (`${crc32(content)}\n` === seal) return true
  throw new ClusterError('INVALID_DATA', { file }, { message: `${file} has changed since it was closed` })
}

function readIfThere (file: string): Buffer | undefined {
  try { return readFileSync(file) } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
    return undefined
  }
}
