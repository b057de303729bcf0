import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { base32, fromBase32Upper } from '../../../base/text/base32.ts'
import { ClusterError } from '../../../base/errors.ts'
import { syncPath, whenMissing } from '../../../base/files.ts'

/** Private keys by name: libp2p's protobuf. */
export interface KeyFiles {
  /** In no order. */
  names (): Promise<string[]>
  read (name: string): Promise<Uint8Array | undefined>
  /** Resolves when the disk has it. Throws INVALID_ARGUMENT for a name that can't be kept. */
  write (name: string, key: Uint8Array): Promise<void>
  /** A key of the new name is gone then. */
  rename (from: string, to: string): Promise<void>
  remove (name: string): Promise<void>
}

const longestFileName = 255

/**
 * A folder with one file per key, as Kubo's `keystore`: `key_` and the name in base32 (lower case, no padding), in it what `ipfs key
 * export` writes. Only this user may read them (0600, the folder 0700); both ways, files can be copied between a Kubo and this node.
 */
export function keyFolder (folder: string): KeyFiles {
  const pathOf = (name: string): string => join(folder, fileName(name))
  return {
    async names () {
      const files = await readdir(folder).catch(whenMissing([]))
      return files.map(nameOf).filter(name => name != null)
    },
    read: async name => readFile(pathOf(name)).catch(whenMissing(undefined)),
    async write (name, key) {
      const path = pathOf(name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeSynced(`${path}.tmp`, key)
      await rename(`${path}.tmp`, path)
      await syncPath(folder)
    },
    async rename (from, to) {
      await rename(pathOf(from), pathOf(to))
      await syncPath(folder)
    },
    async remove (name) {
      await rm(pathOf(name))
      await syncPath(folder)
    }
  }
}

function fileName (name: string): string {
  const file = `key_${base32(new TextEncoder().encode(name))}`
  if (file.length + '.tmp'.length > longestFileName) {
    throw new ClusterError('INVALID_ARGUMENT', { length: name.length }, { message: 'key name is too long' })
  }
  return file
}

function nameOf (file: string): string | undefined {
  const bytes = /^key_[a-z2-7]+$/.test(file) ? fromBase32Upper(file.slice('key_'.length).toUpperCase()) : undefined
  return bytes == null ? undefined : new TextDecoder().decode(bytes)
}

async function writeSynced (path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } catch (err) {
    await rm(path, { force: true })
    throw err
  } finally {
    await file.close()
  }
}
