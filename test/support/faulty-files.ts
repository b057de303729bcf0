import { stat } from 'node:fs/promises'
import { diskFiles } from '../../src/blockstore/segments/files.ts'
import type { SegmentFile, SegmentFiles } from '../../src/blockstore/segments/files.ts'

/** The machine's disk with limits that a test sets. What is removed or cut off gives room back. */
export class FaultyFiles implements SegmentFiles {
  /** Bytes that may still be written before the disk is full. */
  roomBytes = Infinity
  /** Writes wait for this before they begin. */
  writeGate: Promise<void> = Promise.resolve()
  /** Called before each write, cut, sync and removal. */
  onCall: () => Promise<void> = async () => {}
  /** Names of what was called, writes and syncs. */
  readonly calls: string[] = []

  async open (path: string, options: { create: boolean }): Promise<SegmentFile> {
    if (options.create && this.roomBytes <= 0) throw noSpace()
    return new FaultyFile(await diskFiles.open(path, options), this)
  }

  async list (folder: string): Promise<Array<{ name: string, sizeBytes: number }>> { return await diskFiles.list(folder) }

  async remove (path: string): Promise<void> {
    this.calls.push('remove')
    await this.onCall()
    const { size } = await stat(path)
    await diskFiles.remove(path)
    this.roomBytes += size
  }

  async syncFolder (folder: string): Promise<void> {
    this.calls.push('syncFolder')
    await diskFiles.syncFolder(folder)
  }
}

const noSpace = (): Error => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })

class FaultyFile implements SegmentFile {
  readonly #file: SegmentFile
  readonly #disk: FaultyFiles

  constructor (file: SegmentFile, disk: FaultyFiles) {
    this.#file = file
    this.#disk = disk
  }

  /** Writes what still fits, then fails, as a real disk does. */
  async write (buffers: readonly Uint8Array[], position: number, options: { sync?: boolean } = {}): Promise<void> {
    this.#disk.calls.push(options.sync === true ? 'syncedWrite' : 'write')
    await this.#disk.writeGate
    await this.#disk.onCall()
    const all = Buffer.concat(buffers)
    const fits = Math.max(0, Math.min(all.length, this.#disk.roomBytes))
    await this.#file.write([all.subarray(0, fits)], position, options)
    this.#disk.roomBytes -= fits
    if (fits < all.length) throw noSpace()
  }

  async read (into: Uint8Array, position: number): Promise<number> { return await this.#file.read(into, position) }
  async readv (into: readonly Uint8Array[], position: number): Promise<number> { return await this.#file.readv(into, position) }
  readvNow (into: readonly Uint8Array[], position: number): number { return this.#file.readvNow(into, position) }
  async size (): Promise<number> { return await this.#file.size() }
  async truncate (sizeBytes: number): Promise<void> {
    await this.#disk.onCall()
    const before = await this.#file.size()
    await this.#file.truncate(sizeBytes)
    this.#disk.roomBytes += before - sizeBytes
  }

  async datasync (): Promise<void> {
    this.#disk.calls.push('datasync')
    await this.#disk.onCall()
    await this.#file.datasync()
  }

  async close (): Promise<void> { await this.#file.close() }
}
