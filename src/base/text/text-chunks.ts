/** UTF-8 has up to so many bytes for each of JavaScript's characters. */
const bytesPerCharacter = 3

/**
 * Writes texts one behind the other into chunks of bytes: a fifth of what it costs to join them to one text. Each text is whole in one
 * chunk.
 */
export class TextChunks {
  readonly #chunkBytes: number
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0

  /** `chunkBytes`: of a chunk; only one that holds a single long text is larger. */
  constructor (chunkBytes: number = 64 * 1024) { this.#chunkBytes = chunkBytes }

  /** Gives what came before, when the text has no room behind it. */
  add (text: string): Uint8Array | undefined {
    const room = text.length * bytesPerCharacter
    const full = room > this.#chunk.length - this.#at ? this.#next(room) : undefined
    this.#at += this.#chunk.write(text, this.#at)
    return full
  }

  /** What has come since the last chunk. */
  rest (): Uint8Array | undefined {
    const rest = this.#at === 0 ? undefined : this.#chunk.subarray(0, this.#at)
    this.#chunk = this.#chunk.subarray(this.#at)
    this.#at = 0
    return rest
  }

  #next (room: number): Uint8Array | undefined {
    const full = this.rest()
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, room))
    return full
  }
}
