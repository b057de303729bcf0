import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from '../base/errors.ts'

/** What `version.json` in a store's folder says. */
export interface Format { format: string, version: number }

/**
 * Makes the folder and its `version.json` when they are new; otherwise checks that this program can read what is there.
 * Throws UNSUPPORTED (another format, or a newer version) and INVALID_DATA (not readable), both naming the folder.
 */
export async function claimFolder (folder: string, ours: Format): Promise<void> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'version.json')
  const text = await readFile(file, 'utf8').catch(err => {
    if (err.code === 'ENOENT') return undefined
    throw err
  })
  if (text == null) return await writeFormat(file, ours)
  const theirs = parseFormat(text, folder)
  if (theirs.format === ours.format && theirs.version <= ours.version) return
  throw new ClusterError('UNSUPPORTED', { folder, format: theirs.format, version: theirs.version }, {
    message: `${folder} holds ${theirs.format} version ${theirs.version}, this program reads ${ours.format} up to version ${ours.version}: ` +
      'use the program that wrote it, or another folder'
  })
}

async function writeFormat (file: string, format: Format): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(format)}\n`, { flush: true })
  await rename(`${file}.new`, file)
}

function parseFormat (text: string, folder: string): Format {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value != null && 'format' in value && 'version' in value &&
      typeof value.format === 'string' && Number.isInteger(value.version)) return value as Format
  } catch {}
  throw new ClusterError('INVALID_DATA', { folder }, { message: `${folder}/version.json is not readable` })
}
