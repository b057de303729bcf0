import { ClusterError } from '../../src/base/errors.ts'
import type { AppendOptions, StagedObject, StagedRange, Staging } from '../../src/service/staging/staging.ts'

/** A staging area in memory, for tests of those who use one. */
export class MemoryStaging implements Staging {
  readonly name = 'staging'
  readonly place = { id: 'memory', name: 'memory' }
  readonly objects = new Map<string, Uint8Array>()
  /** Bytes that were read so far. */
  bytesRead = 0
  /** When set, every call fails with it. */
  down: Error | undefined

  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  async put (key: string, source: AsyncIterable<Uint8Array>): Promise<{ sizeBytes: number }> {
    this.#check()
    if (this.objects.has(key)) throw new ClusterError('CONFLICT', { key })
    const bytes = Buffer.concat(await Array.fromAsync(source))
    this.objects.set(key, bytes)
    return { sizeBytes: bytes.length }
  }

  async append (
    key: string, offset: number, source: AsyncIterable<Uint8Array>, { onDurable = async () => {} }: AppendOptions = {}
  ): Promise<number> {
    this.#check()
    const bytes = Buffer.concat([(this.objects.get(key) ?? new Uint8Array(0)).subarray(0, offset), ...await Array.fromAsync(source)])
    this.objects.set(key, bytes)
    await onDurable(bytes.length)
    return bytes.length
  }

  async * read (key: string, { offset = 0, length = Infinity, signal }: StagedRange = {}): AsyncGenerator<Uint8Array> {
    this.#check()
    const bytes = this.objects.get(key)
    if (bytes == null) throw new ClusterError('NOT_FOUND', { key })
    const end = Math.min(bytes.length, offset + length)
    for (let at = offset; at < end; at += pieceBytes) {
      signal?.throwIfAborted()
      const piece = bytes.slice(at, Math.min(end, at + pieceBytes))
      this.bytesRead += piece.length
      yield piece
    }
  }

  async size (key: string): Promise<number | null> {
    this.#check()
    return this.objects.get(key)?.length ?? null
  }

  async remove (key: string): Promise<void> {
    this.#check()
    this.objects.delete(key)
  }

  async * keys (): AsyncGenerator<StagedObject> {
    for (const [key, { length }] of this.objects) yield { key, sizeBytes: length, changedAt: 0, isOpen: false }
  }

  #check (): void { if (this.down != null) throw this.down }
}

const pieceBytes = 65_536
