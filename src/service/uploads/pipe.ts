/**
 * Bytes on their way from one writer to one reader. `push` waits while more than `windowBytes` are under way. However one side ends, the
 * other isn't left waiting: what the reader failed with, `push` throws; what the writer failed with, the reader gets.
 */
export class Pipe implements AsyncIterable<Uint8Array> {
  readonly #windowBytes: number
  readonly #queue: Uint8Array[] = []
  #underWay = 0
  #ended = false
  #failure: { err: unknown } | undefined
  #readerGone: { err: unknown } | undefined
  #wakeReader = (): void => {}
  #wakeWriter = (): void => {}

  constructor (windowBytes: number) { this.#windowBytes = windowBytes }

  /** Resolves when there is room for more; undefined when there is. */
  push (piece: Uint8Array): Promise<void> | undefined {
    this.#throwIfGone()
    this.#queue.push(piece)
    this.#underWay += piece.length
    this.#wakeReader()
    return this.#underWay <= this.#windowBytes ? undefined : this.#room()
  }

  /** Nothing more comes; with an error, the reader gets that, at once. */
  end (failure?: { err: unknown }): void {
    this.#failure ??= failure
    if (failure != null) this.#queue.length = 0
    this.#ended = true
    this.#wakeReader()
  }

  /** The reader is gone, because of this error. */
  close (err: unknown): void {
    this.#readerGone ??= { err }
    this.#queue.length = 0
    this.#wakeWriter()
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.#queue.shift()
      if (piece != null) {
        yield piece
        this.#underWay -= piece.length
        if (this.#underWay <= this.#windowBytes) this.#wakeWriter()
      } else if (this.#failure != null) {
        throw this.#failure.err
      } else if (this.#ended) {
        return
      } else {
        await new Promise<void>(resolve => { this.#wakeReader = resolve })
      }
    }
  }

  async #room (): Promise<void> {
    await new Promise<void>(resolve => { this.#wakeWriter = resolve })
    this.#throwIfGone()
  }

  #throwIfGone (): void { if (this.#readerGone != null) throw this.#readerGone.err }
}
