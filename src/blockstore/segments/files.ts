import * as fs from 'node:fs'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncPath } from '../../base/files.ts'

/** An open segment file. */
export interface SegmentFile {
  /**
   * Writes all bytes one after the other from `position` on. On an error some of them may be there. `sync`: resolves when the disk has
   * them; one call for both is half as many turns of the thread pool.
   */
  write (buffers: readonly Uint8Array[], position: number, options?: { sync?: boolean }): Promise<void>
  /** Fills `into` from `position` on; resolves to the bytes that were there. */
  read (into: Uint8Array, position: number): Promise<number>
  /** Fills several, 1024 at most, one after the other. */
  readv (into: readonly Uint8Array[], position: number): Promise<number>
  /** The same while this thread waits. */
  readvNow (into: readonly Uint8Array[], position: number): number
  size (): Promise<number>
  truncate (sizeBytes: number): Promise<void>
  /** fdatasync */
  datasync (): Promise<void>
  close (): Promise<void>
}

/** The disk as the segment store needs it; a fake one runs out of room in tests. */
export interface SegmentFiles {
  /** Opens for reading and writing. Without `create` a missing file rejects with ENOENT. */
  open (path: string, options: { create: boolean }): Promise<SegmentFile>
  /** Names and sizes of the files in a folder. */
  list (folder: string): Promise<Array<{ name: string, sizeBytes: number }>>
  remove (path: string): Promise<void>
  /** Makes created and removed names of the folder survive a power loss. */
  syncFolder (folder: string): Promise<void>
}

/** Bytes and buffers given to one system call: large enough to be quick, small enough to leave the thread to others soon. */
const bytesPerWrite = 4 * 1024 * 1024
const buffersPerWrite = 512

/** The file system, by file descriptors; tests put a faulty one in its place. */
export const diskFiles: SegmentFiles = {
  open: async (path, { create }) =>
    new DiskFile(path, await openFd(path, create ? fs.constants.O_RDWR | fs.constants.O_CREAT : fs.constants.O_RDWR)),
  list: async folder => {
    const names = await readdir(folder)
    return await Promise.all(names.map(async name => ({ name, sizeBytes: (await fs.promises.stat(join(folder, name))).size })))
  },
  remove: unlink,
  syncFolder: syncPath
}

const openFd = async (path: string, flags: number): Promise<number> => await new Promise((resolve, reject) => {
  fs.open(path, flags, 0o600, (err, fd) => { if (err == null) resolve(fd); else reject(err) })
})

/** File descriptors with callbacks: less work per read than FileHandle. */
class DiskFile implements SegmentFile {
  readonly #path: string
  readonly #fd: number
  /** Each write through it is one with an fdatasync. */
  #syncedFd: Promise<number> | undefined

  constructor (path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  async write (buffers: readonly Uint8Array[], position: number, { sync = false }: { sync?: boolean } = {}): Promise<void> {
    const fd = sync ? await (this.#syncedFd ??= this.#openSynced()) : this.#fd
    let at = position
    for (const piece of pieces(buffers)) {
      let rest = piece
      while (rest.length > 0) {
        const written = await this.#writev(fd, rest, at)
        at += written
        rest = behind(rest, written)
      }
    }
  }

  async read (into: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < into.length) {
      const count = await this.#read(filled === 0 ? into : into.subarray(filled), position + filled)
      if (count === 0) break
      filled += count
    }
    return filled
  }

  async readv (into: readonly Uint8Array[], position: number): Promise<number> {
    let [filled, rest] = [0, [...into]]
    while (rest.length > 0) {
      const count = await this.#readv(rest, position + filled)
      if (count === 0) break
      filled += count
      rest = behind(rest, count)
    }
    return filled
  }

  readvNow (into: readonly Uint8Array[], position: number): number {
    let [filled, rest] = [0, [...into]]
    while (rest.length > 0) {
      const count = fs.readvSync(this.#fd, rest, position + filled)
      if (count === 0) break
      filled += count
      rest = behind(rest, count)
    }
    return filled
  }

  async size (): Promise<number> {
    return await new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (err, stat) => { if (err == null) resolve(stat.size); else reject(err) })
    })
  }

  async truncate (sizeBytes: number): Promise<void> { await this.#done(callback => fs.ftruncate(this.#fd, sizeBytes, callback)) }
  async datasync (): Promise<void> { await this.#done(callback => fs.fdatasync(this.#fd, callback)) }
  async close (): Promise<void> {
    const syncedFd = await this.#syncedFd?.catch(() => undefined)
    if (syncedFd != null) await this.#done(callback => fs.close(syncedFd, callback))
    await this.#done(callback => fs.close(this.#fd, callback))
  }

  async #openSynced (): Promise<number> {
    try {
      return await openFd(this.#path, fs.constants.O_RDWR | fs.constants.O_DSYNC)
    } catch (err) {
      this.#syncedFd = undefined
      throw err
    }
  }

  async #writev (fd: number, buffers: Uint8Array[], position: number): Promise<number> {
    return await new Promise((resolve, reject) => {
      fs.writev(fd, buffers, position, (err, written) => { if (err == null) resolve(written); else reject(err) })
    })
  }

  async #read (into: Uint8Array, position: number): Promise<number> {
    return await new Promise((resolve, reject) => {
      fs.read(this.#fd, into, 0, into.length, position, (err, count) => { if (err == null) resolve(count); else reject(err) })
    })
  }

  async #readv (into: Uint8Array[], position: number): Promise<number> {
    return await new Promise((resolve, reject) => {
      fs.readv(this.#fd, into, position, (err, count) => { if (err == null) resolve(count); else reject(err) })
    })
  }

  async #done (act: (callback: (err: Error | null) => void) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => act(err => { if (err == null) resolve(); else reject(err) }))
  }
}

/** Cuts a list of buffers into lists for one system call each. */
function * pieces (buffers: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let piece: Uint8Array[] = []
  let bytes = 0
  for (const buffer of buffers) {
    piece.push(buffer)
    bytes += buffer.length
    if (bytes < bytesPerWrite && piece.length < buffersPerWrite) continue
    yield piece
    piece = []
    bytes = 0
  }
  if (piece.length > 0) yield piece
}

/** What is left of the buffers after the first `bytes`. */
function behind (buffers: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)]
    left -= buffer.length
  }
  return []
}
