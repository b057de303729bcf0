import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { ClusterError } from '../base/errors.ts'
import { readIfThere } from '../base/files.ts'

/** What `version.json` in a store's folder says. */
export interface Format { format: string, version: number }

/** How far a damaged file can be told from one of another program: `check` is the CRC-32 of both values. */
interface StoredFormat extends Format { check?: unknown }

const checkOf = ({ format, version }: Format): number => crc32(`${format} ${version}`)

/**
 * Makes the folder and its `version.json` when they are new; otherwise checks that this program can read what is there. A damaged file is
 * written again, which resolves with true: the folder's name and what lies in it say what it is. Throws UNSUPPORTED for another format, or
 * a newer version, naming the folder.
 */
export async function claimFolder (folder: string, ours: Format): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'version.json')
  const text = await readIfThere(file)
  const theirs = text == null ? undefined : parseFormat(text)
  const isWritten = theirs != null && (theirs.check == null || theirs.check === checkOf(theirs))
  if (!isWritten) {
    await writeFormat(file, ours)
    return text != null
  }
  if (theirs.format === ours.format && theirs.version <= ours.version) return false
  throw new ClusterError('UNSUPPORTED', { folder, format: theirs.format, version: theirs.version }, {
    message: `${folder} holds ${theirs.format} version ${theirs.version}, this program reads ${ours.format} up to version ${ours.version}: ` +
      'use the program that wrote it, or another folder'
  })
}

async function writeFormat (file: string, format: Format): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify({ ...format, check: checkOf(format) })}\n`, { flush: true })
  await rename(`${file}.new`, file)
}

function parseFormat (text: string): StoredFormat | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value != null && 'format' in value && 'version' in value &&
      typeof value.format === 'string' && Number.isInteger(value.version)) return value as StoredFormat
  } catch {}
  return undefined
}
