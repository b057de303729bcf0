import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, opendir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import { whenMissing } from '../../../base/files.ts'
import { Appending, checkedKey, noSuchObject } from '../keys.ts'
import { inGroups, SourceFailure } from '../pieces.ts'
import type { AppendOptions, StagedObject, StagedRange, Staging, StagingOptions, StagingPlace } from '../staging.ts'
import { StagedFileWriter } from './file-writer.ts'

export interface FolderStagingInit {
  /** Several peers may share it (a network file system). */
  folder: string
  /** Whose drafts go at the start: a name of this peer. Default: nobody shares the folder. */
  owner?: string
  /**
   * What is written is made durable after so many bytes, so that the end has little left to do, and an append has something to tell.
   * Default 32 MiB.
   */
  syncBytes?: number
}

const usualSyncBytes = 32 * 2 ** 20
const groupBytes = 2 ** 20
const readBytes = 256 * 1024

/**
 * Staging in a folder: `objects` has what `put` made, `drafts/OWNER` what it is making, `open` what `append` makes, `id` says which folder
 * it is. A draft is written, synced and renamed, so an object is there as a whole or not at all.
 */
export function folderStaging (init: FolderStagingInit): Staging { return new FolderStaging(init) }

interface WriteOptions { signal: AbortSignal | undefined, onDurable?: (offset: number) => Promise<void> }

class FolderStaging implements Staging {
  readonly name = 'staging'
  readonly #folder: string
  readonly #drafts: string
  readonly #syncBytes: number
  readonly #appending = new Appending()
  #id: string | undefined

  constructor ({ folder, owner = '', syncBytes = usualSyncBytes }: FolderStagingInit) {
    this.#folder = folder
    this.#drafts = join('drafts', owner)
    this.#syncBytes = syncBytes
  }

  async start (): Promise<void> {
    await told(async () => {
      await rm(join(this.#folder, this.#drafts), { recursive: true, force: true })
      for (const name of ['objects', this.#drafts, 'open']) await mkdir(join(this.#folder, name), { recursive: true, mode: 0o700 })
      this.#id = await idIn(this.#folder)
    })
  }

  async stop (): Promise<void> {}

  get place (): StagingPlace {
    if (this.#id == null) throw new ClusterError('NOT_READY', {}, { message: 'the staging area is not started' })
    return { id: this.#id, name: `the folder ${this.#folder}` }
  }

  async put (key: string, source: AsyncIterable<Uint8Array>, { signal }: StagingOptions = {}): Promise<{ sizeBytes: number }> {
    const draft = this.#path(this.#drafts, key)
    return await told(async () => {
      try {
        const sizeBytes = await this.#write(draft, { from: 0, flags: 'wx' }, source, { signal })
        await rename(draft, this.#path('objects', key))
        await this.#syncFolder('objects')
        return { sizeBytes }
      } catch (err) {
        await removed(draft)
        throw err
      }
    })
  }

  async append (
    key: string, offset: number, source: AsyncIterable<Uint8Array>, { signal, onDurable = async () => {} }: AppendOptions = {}
  ): Promise<number> {
    const path = this.#path('open', key)
    const end = this.#appending.begin(key)
    try {
      return await told(async () => {
        const flags = await this.#sizeOf('open', key) == null ? 'wx+' : 'r+'
        return await this.#write(path, { from: offset, flags }, source, { signal, onDurable })
      })
    } finally {
      end()
    }
  }

  async * read (key: string, { offset = 0, length = Infinity, signal }: StagedRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    if (length <= 0) return
    const room = await told(async () => await this.#roomOf(key))
    if (room == null) throw noSuchObject(key)
    const stream = createReadStream(this.#path(room, key), {
      start: offset, end: offset + length - 1, highWaterMark: readBytes, ...(signal == null ? {} : { signal })
    })
    try {
      for await (const piece of stream) yield piece as Uint8Array
    } catch (err) {
      signal?.throwIfAborted()
      throw (err as NodeJS.ErrnoException).code === 'ENOENT' ? noSuchObject(key) : telling(err)
    }
  }

  async size (key: string): Promise<number | null> {
    return await told(async () => await this.#sizeOf('objects', key) ?? await this.#sizeOf('open', key))
  }

  async remove (key: string): Promise<void> {
    await told(async () => {
      for (const room of ['objects', 'open', this.#drafts]) await removed(this.#path(room, key))
    })
  }

  async * keys ({ signal }: StagingOptions = {}): AsyncGenerator<StagedObject, void, undefined> {
    for (const room of ['objects', 'open']) {
      for await (const { name: key } of await told(async () => await opendir(join(this.#folder, room)))) {
        signal?.throwIfAborted()
        const found = await told(async () => stat(join(this.#folder, room, key)).catch(whenMissing(null)))
        if (found != null) yield { key, sizeBytes: found.size, changedAt: Math.floor(found.mtimeMs), isOpen: room === 'open' }
      }
    }
  }

  async #write (
    path: string, { from, flags }: { from: number, flags: string }, source: AsyncIterable<Uint8Array>, { signal, onDurable }: WriteOptions
  ): Promise<number> {
    await using file = await opened(path, flags)
    await cutAt(file, from)
    if (flags.startsWith('wx') && onDurable != null) await this.#syncFolder('open')
    const writer = new StagedFileWriter(file, { position: from, syncBytes: this.#syncBytes })
    try {
      for await (const pieces of inGroups(source, groupBytes, signal)) {
        await writer.write(pieces)
        if (!writer.isSyncDue) continue
        if (onDurable == null) await writer.syncBeside()
        else await onDurable(await writer.sync())
      }
    } catch (err) {
      if (onDurable != null && err instanceof SourceFailure) await onDurable(await writer.sync())
      throw err
    } finally {
      await writer.settle()
    }
    const durable = await writer.sync()
    await onDurable?.(durable)
    return durable
  }

  #path (room: string, key: string): string { return join(this.#folder, room, checkedKey(key)) }

  async #sizeOf (room: string, key: string): Promise<number | null> {
    return (await stat(this.#path(room, key)).catch(whenMissing(null)))?.size ?? null
  }

  async #roomOf (key: string): Promise<string | null> {
    for (const room of ['objects', 'open']) if (await this.#sizeOf(room, key) != null) return room
    return null
  }

  /** A new name survives a crash. */
  async #syncFolder (room: string): Promise<void> {
    await using folder = await open(join(this.#folder, room))
    await folder.sync()
  }
}

/** Whoever comes first says it, for all who see the folder. */
async function idIn (folder: string): Promise<string> {
  const file = join(folder, 'id')
  await writeFile(file, randomUUID(), { flag: 'wx', mode: 0o600, flush: true }).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'EEXIST') throw err
  })
  return await readFile(file, 'utf8')
}

async function opened (path: string, flags: string): Promise<FileHandle> { return await open(path, flags, 0o600) }

/** What is beyond goes. What should be before has to be there: a gap would be read as zeros. */
async function cutAt (file: FileHandle, offset: number): Promise<void> {
  const { size } = await file.stat()
  if (size < offset) throw new ClusterError('INVALID_DATA', { size, offset }, { message: 'the staged object is shorter than it was' })
  if (size > offset) await file.truncate(offset)
}

/** It may be gone. `rm` would look three times. */
async function removed (path: string): Promise<void> { await unlink(path).catch(whenMissing(undefined)) }

async function told<T> (work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    throw telling(err)
  }
}

/** What the file system says, in the contract's words. */
function telling (err: unknown): unknown {
  if (err instanceof SourceFailure) return err.cause
  const { code } = err as NodeJS.ErrnoException
  if (isClusterError(err) || code == null || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return err
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) return new ClusterError('STORAGE_FULL', { code }, { cause: err })
  return new ClusterError('NOT_READY', { code }, { message: `the staging folder can't be used: ${messageOf(err)}`, cause: err })
}
