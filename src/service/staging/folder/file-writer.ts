import type { FileHandle } from 'node:fs/promises'
import { lengthOf } from '../pieces.ts'

/** Writes pieces one behind the other. One write is under way while the next group is gathered. */
export class StagedFileWriter {
  readonly #file: FileHandle
  readonly #syncBytes: number
  #position: number
  #synced: number
  #writing: Promise<void> | undefined
  #syncing: Promise<void> | undefined
  #failure: { err: unknown } | undefined

  /** `syncBytes`: so much may be on its way to the disk before it is waited for. */
  constructor (file: FileHandle, { position, syncBytes }: { position: number, syncBytes: number }) {
    this.#file = file
    this.#syncBytes = syncBytes
    this.#position = position
    this.#synced = position
  }

  /** Where the next piece goes. */
  get position (): number { return this.#position }
  get isSyncDue (): boolean { return this.#position - this.#synced >= this.#syncBytes }

  /** Resolves when the group before is written. */
  async write (pieces: Uint8Array[]): Promise<void> {
    await this.#written()
    const at = this.#position
    this.#position += lengthOf(pieces)
    this.#writing = this.#writeAll(pieces, at).catch(err => { this.#failure = { err } })
  }

  /** Everything so far survives a crash. */
  async sync (): Promise<number> {
    await this.#syncing
    await this.#written()
    const position = this.#position
    if (position !== this.#synced) await this.#file.datasync()
    this.#synced = position
    return position
  }

  /** Begins to make everything so far durable, beside what is written next; waits for the time before, so that the disk sets the pace. */
  async syncBeside (): Promise<void> {
    await this.#syncing
    await this.#written()
    this.#synced = this.#position
    this.#syncing = this.#file.datasync().catch(err => { this.#failure = { err } })
  }

  /** Waits for what is under way, however it ends. */
  async settle (): Promise<void> {
    await this.#writing
    await this.#syncing
  }

  async #written (): Promise<void> {
    await this.#writing
    this.#writing = undefined
    if (this.#failure != null) throw this.#failure.err
  }

  async #writeAll (pieces: Uint8Array[], at: number): Promise<void> {
    const total = lengthOf(pieces)
    let { bytesWritten } = await this.#file.writev(pieces, at)
    if (bytesWritten === total) return
    // a disk that is nearly full takes less; the next write says what is wrong
    const bytes = Buffer.concat(pieces)
    while (bytesWritten < total) {
      bytesWritten += (await this.#file.write(bytes, bytesWritten, total - bytesWritten, at + bytesWritten)).bytesWritten
    }
  }
}
