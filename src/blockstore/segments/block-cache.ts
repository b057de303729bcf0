import { mapKey } from '../map-key.ts'

/** Larger blocks aren't kept: they are leaves of files, and nobody reads those right after they were put. */
const largestBytes = 16 * 1024
/** What a block takes besides its bytes: its key, an array, a place in the table. */
const entryBytes = 256

/**
 * The small blocks that were put last: whoever pins what was just added walks over them, and a read of the disk costs as much as all the
 * rest of the step. Copies, so that no upload's buffer is held; at most `maxBytes` of them, oldest out first. Whether a block is still
 * there is the index's word.
 */
export class BlockCache {
  readonly #maxBytes: number
  readonly #blocks = new Map<string, Uint8Array>()
  /** Goes on behind those that are gone: V8 keeps holes for them, which each new iteration would pass over one by one. */
  readonly #oldest = this.#blocks.entries()
  #bytes = 0

  constructor (maxBytes: number) { this.#maxBytes = maxBytes }

  /** A copy. */
  get (multihash: Uint8Array): Uint8Array | undefined {
    const bytes = this.#blocks.get(mapKey(multihash))
    return bytes == null ? undefined : new Uint8Array(bytes)
  }

  add (multihash: Uint8Array, bytes: Uint8Array): void {
    const key = mapKey(multihash)
    if (bytes.length > largestBytes || this.#blocks.has(key)) return
    this.#blocks.set(key, new Uint8Array(bytes))
    this.#bytes += bytes.length + entryBytes
    while (this.#bytes > this.#maxBytes) {
      const { value } = this.#oldest.next()
      if (value == null) return
      this.#blocks.delete(value[0])
      this.#bytes -= value[1].length + entryBytes
    }
  }
}
