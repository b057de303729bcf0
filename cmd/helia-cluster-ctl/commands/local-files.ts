import { constants, createReadStream } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { access, lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, join, normalize, resolve } from 'node:path'
import { bytesOfText, textOfBytes } from '../../../src/base/text/byte-text.ts'
import type { UploadEntry } from '../../../src/client/multipart.ts'

export interface LocalFilesInit {
  recursive: boolean
  hidden: boolean
  /** Told of every chunk that was read. */
  onBytes? (count: number): void
}

/** A path on disk that can be uploaded. What isn't UTF-8 in it stands as in `byte-text.ts`. */
export interface LocalPath { path: string, stats: BigIntStats }

/** Looks at a path of the command line. Throws an Error whose message is Go's when it isn't there, can't be read, or may not be added. */
export async function localPath (text: string, { recursive }: Pick<LocalFilesInit, 'recursive'>): Promise<LocalPath> {
  const path = text === '.' ? await realpath('.') : trimmed(normalize(text))
  const stats = await statOf(path)
  if (stats.isDirectory() && !recursive) throw new Error(`${path} is a directory, but Recursive option is not set`)
  if (stats.isFile())
    await access(onDisk(path), constants.R_OK).catch((err: unknown) => {
      throw new Error(`open ${path}: ${reasonOf(err)}`, { cause: err })
    })
  else if (!stats.isDirectory() && !stats.isSymbolicLink()) throw unrecognized(path)
  return { path, stats }
}

const trimmed = (path: string): string => path.length > 1 ? path.replace(/\/+$/, '') : path

async function statOf (path: string): Promise<BigIntStats> {
  try {
    return await lstat(onDisk(path), { bigint: true })
  } catch (err) {
    throw new Error(`lstat ${path}: ${reasonOf(err)}`, { cause: err })
  }
}

const reasons: Record<string, string> = {
  ENOENT: 'no such file or directory', EACCES: 'permission denied', ENOTDIR: 'not a directory', ELOOP: 'too many levels of symbolic links'
}

const reasonOf = (err: unknown): string => reasons[(err as NodeJS.ErrnoException).code ?? ''] ?? (err as Error).message

/**
 * A path with all that is below it: parents first, names in byte order, one open file at a time. `name` is what it is called in the upload.
 */
export async function * entriesOf (
  { path, stats }: LocalPath, name: string, init: LocalFilesInit
): AsyncGenerator<UploadEntry, void, undefined> {
  const times = {
    mode: goMode(stats), mtime: { seconds: Number(stats.mtimeNs / 1_000_000_000n), nanoseconds: Number(stats.mtimeNs % 1_000_000_000n) }
  }
  if (stats.isSymbolicLink()) yield { path: name, symlink: await readlink(onDisk(path), 'buffer'), ...times }
  else if (stats.isFile()) yield { path: name, content: () => bytesOf(path, init), absolutePath: resolve(path), ...times }
  else if (stats.isDirectory()) {
    yield { path: name, directory: true, ...times }
    for (const child of await childrenOf(path, init)) {
      yield * entriesOf({ path: join(path, child), stats: await statOf(join(path, child)) }, `${name}/${child}`, init)
    }
  } else throw unrecognized(path)
}

/** Pipes, sockets, devices. */
const unrecognized = (path: string): Error => new Error(`unrecognized file type for ${path}`)

async function childrenOf (path: string, { hidden }: LocalFilesInit): Promise<string[]> {
  const names = await readdir(onDisk(path), 'buffer')
  return names.toSorted(Buffer.compare).map(textOfBytes).filter(child => hidden || !child.startsWith('.'))
}

/** A path as the system takes it. */
const onDisk = (path: string): string | Buffer => path.isWellFormed() ? path : bytesOfText(path)

async function * bytesOf (path: string, { onBytes }: LocalFilesInit): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of createReadStream(onDisk(path), { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>) {
    yield chunk
    onBytes?.(chunk.length)
  }
}

/** The bytes in all files below, for a progress bar. */
export async function sizeOf ({ path, stats }: LocalPath, init: LocalFilesInit): Promise<number> {
  if (stats.isFile()) return Number(stats.size)
  if (!stats.isDirectory()) return 0
  let total = 0
  for (const child of await childrenOf(path, init)) {
    const childPath = join(path, child)
    total += await sizeOf({ path: childPath, stats: await statOf(childPath) }, init)
  }
  return total
}

/** The name of a local file or folder in an upload: the last part of its path, "/" for the root. */
export const nameOf = ({ path }: LocalPath): string => basename(path) || '/'

const unixTypes = 0o170000n
const goTypes: Record<string, number> = { [String(0o040000)]: 2 ** 31, [String(0o120000)]: 2 ** 27 }
const goBits: ReadonlyArray<readonly [bigint, number]> = [[0o4000n, 2 ** 23], [0o2000n, 2 ** 22], [0o1000n, 2 ** 20]]

/** Go's os.FileMode of a file. */
function goMode ({ mode }: Pick<BigIntStats, 'mode'>): number {
  const special = goBits.reduce((sum, [unix, go]) => (mode & unix) === 0n ? sum : sum + go, 0)
  return Number(mode & 0o777n) + (goTypes[String(mode & unixTypes)] ?? 0) + special
}
