import { giveBack } from '../base/lent-memory.ts'

/** Where a file's chunks end. Pure: what comes in which pieces makes no difference. */
export interface Chunker {
  /** No chunk is larger. */
  maxBytes: number
  /** Only for chunkers that don't look at the content: the size of every chunk but the last. */
  fixedBytes?: number
  /** Length of the first chunk of bytes[start, end), which are `maxBytes` bytes, or fewer at the end of the file. 1 … end - start. */
  cut (bytes: Uint8Array, start: number, end: number): number
}

/**
 * Pieces in, chunks out: push a piece, then take chunks until `next` gives 0; at the end of the file call `next(true)` until it gives 0.
 * Every chunk must be consumed, by `share` or `copy`, before the next is asked for. The source is then ready for the next file.
 */
export interface ChunkSource {
  /** The source's next bytes; they must not be changed afterwards. What was copied of lent memory is given back. */
  push (piece: Uint8Array): void
  /** Length of the next chunk; 0: none before another piece is pushed (`final`: none at all). */
  next (final: boolean): number
  /** Consumes the chunk without copying, where its memory may be transferred. */
  share (): Uint8Array | undefined
  /** Consumes the chunk: writes it to `target` from `at` on. */
  copy (target: Uint8Array, at: number): void
}

/** What cuts a file as the chunker says. It holds one chunk at most. */
export function createChunkSource (chunker: Chunker): ChunkSource {
  return chunker.fixedBytes == null ? new WindowSource(chunker) : new FixedSource(chunker.fixedBytes)
}

/** Smaller chunks are copied, so that a chunk doesn't keep a much larger piece in memory. */
const minSharedBytes = 16 * 1024

/** Chunks of one size, straight from the pieces. */
class FixedSource implements ChunkSource {
  readonly #size: number
  #pieces: Uint8Array[] = []
  #at = 0
  #available = 0
  #length = 0

  constructor (size: number) { this.#size = size }

  push (piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#available += piece.length
  }

  next (final: boolean): number {
    this.#length = this.#available >= this.#size ? this.#size : final ? this.#available : 0
    return this.#length
  }

  share (): Uint8Array | undefined {
    const piece = this.#pieces[0]
    if (piece == null || this.#length < minSharedBytes || piece.length - this.#at < this.#length) return undefined
    const chunk = piece.subarray(this.#at, this.#at + this.#length)
    this.#consume(piece, this.#length)
    return chunk
  }

  copy (target: Uint8Array, at: number): void {
    for (let rest = this.#length; rest > 0;) {
      const piece = this.#pieces[0]
      if (piece == null) throw new Error('a chunk without bytes')
      const take = Math.min(rest, piece.length - this.#at)
      const bytes = take === piece.length ? piece : piece.subarray(this.#at, this.#at + take)
      target.set(bytes, at)
      giveBack(bytes)
      this.#consume(piece, take)
      at += take
      rest -= take
    }
  }

  #consume (piece: Uint8Array, length: number): void {
    this.#available -= length
    this.#at += length
    if (this.#at < piece.length) return
    this.#pieces.shift()
    this.#at = 0
  }
}

/** Chunks whose ends depend on the content: the chunker needs to see the largest possible chunk in one window. */
class WindowSource implements ChunkSource {
  readonly #chunker: Chunker
  readonly #window: Uint8Array
  #start = 0
  #end = 0
  #piece: Uint8Array = new Uint8Array(0)
  #length = 0

  constructor (chunker: Chunker) {
    this.#chunker = chunker
    this.#window = Buffer.allocUnsafeSlow(Math.max(chunker.maxBytes * 2, 1 << 20))
  }

  push (piece: Uint8Array): void { this.#piece = piece }

  next (final: boolean): number {
    const { maxBytes } = this.#chunker
    if (this.#end - this.#start < maxBytes) this.#fill()
    const available = this.#end - this.#start
    if (available < maxBytes && !(final && available > 0)) return 0
    this.#length = this.#chunker.cut(this.#window, this.#start, Math.min(this.#end, this.#start + maxBytes))
    return this.#length
  }

  share (): undefined { return undefined }

  copy (target: Uint8Array, at: number): void {
    target.set(this.#window.subarray(this.#start, this.#start + this.#length), at)
    this.#start += this.#length
  }

  /** Moves as much of the piece into the window as fits. */
  #fill (): void {
    const window = this.#window
    if (this.#piece.length === 0) return
    window.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    const take = Math.min(this.#piece.length, window.length - this.#end)
    const bytes = take === this.#piece.length ? this.#piece : this.#piece.subarray(0, take)
    window.set(bytes, this.#end)
    giveBack(bytes)
    this.#piece = this.#piece.subarray(take)
    this.#end += take
  }
}
