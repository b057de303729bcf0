import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ByteStack } from '../repository/repository.ts'

export interface ByteStackInit {
  /** What doesn't fit goes here; made when needed, removed by `close`. */
  path: string
  /** What may be in memory after `room`. Default 256 KiB. */
  memoryBytes?: number
}

/** Bytes behind each record that tell its length. */
const lengthBytes = 4
const firstBytes = 4096

/** Records last in, first out: the last ones in memory, the rest in a file. */
export function byteStack (init: ByteStackInit): ByteStack { return new SpillingStack(init) }

class SpillingStack implements ByteStack {
  readonly #path: string
  readonly #memoryBytes: number
  #buffer = Buffer.alloc(firstBytes)
  #length = 0
  #file: FileHandle | undefined
  #fileBytes = 0

  constructor ({ path, memoryBytes = 256 * 1024 }: ByteStackInit) {
    this.#path = path
    this.#memoryBytes = memoryBytes
  }

  isEmpty (): boolean { return this.#length + this.#fileBytes === 0 }

  push (record: Uint8Array): void {
    this.#reserve(record.length + lengthBytes)
    this.#buffer.set(record, this.#length)
    this.#length = this.#buffer.writeUInt32LE(record.length, this.#length + record.length)
  }

  async pop (): Promise<Uint8Array | undefined> {
    if (this.isEmpty()) return undefined
    await this.#need(lengthBytes)
    const length = this.#buffer.readUInt32LE(this.#length - lengthBytes)
    await this.#need(length + lengthBytes)
    const end = this.#length - lengthBytes
    this.#length = end - length
    return Uint8Array.prototype.slice.call(this.#buffer, end - length, end)
  }

  /** Writes all but the last quarter: who pops right after needn't read it back. */
  async room (): Promise<void> {
    if (this.#length <= this.#memoryBytes) return
    const file = this.#file ??= await this.#open()
    const kept = Math.floor(this.#memoryBytes / 4)
    const moved = this.#length - kept
    await writeAll(file, this.#buffer.subarray(0, moved), this.#fileBytes)
    this.#fileBytes += moved
    this.#buffer = Buffer.from(Uint8Array.prototype.slice.call(this.#buffer, moved, this.#length).buffer)
    this.#length = kept
  }

  async close (): Promise<void> {
    if (this.#file == null) return
    await this.#file.close()
    await rm(this.#path, { force: true })
  }

  /** Reads back from the file until there are this many bytes in memory. */
  async #need (bytes: number): Promise<void> {
    const missing = bytes - this.#length
    if (missing <= 0 || this.#file == null) return
    const count = Math.min(this.#fileBytes, Math.max(missing, Math.floor(this.#memoryBytes / 2)))
    this.#reserve(count)
    this.#buffer.copyWithin(count, 0, this.#length)
    await readAll(this.#file, this.#buffer.subarray(0, count), this.#fileBytes - count)
    this.#length += count
    this.#fileBytes -= count
  }

  #reserve (bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }

  async #open (): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true })
    return await open(this.#path, 'w+', 0o600)
  }
}

async function writeAll (file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
}

async function readAll (file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at)
    if (bytesRead === 0) throw new Error('a temporary file has become shorter')
    at += bytesRead
  }
}
