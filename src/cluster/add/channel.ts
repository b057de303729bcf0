import type { Block } from '../../blockstore/blockstore.ts'

/**
 * Batches of blocks on their way from one writer to one reader. `push` makes the writer wait while more than `windowBytes` are under way;
 * what the reader holds counts until it asks for more.
 */
export class BlockChannel implements AsyncIterable<Block[]> {
  readonly #windowBytes: number
  readonly #queue: Array<{ blocks: Block[], bytes: number }> = []
  #underWay = 0
  #ended = false
  #failure: { err: unknown } | undefined
  #wakeReader = (): void => {}
  #wakeWriter = (): void => {}

  constructor (windowBytes: number) { this.#windowBytes = windowBytes }

  /** Resolves when there is room for more. Batches for a reader that has gone are dropped. */
  push (blocks: Block[], bytes: number): Promise<void> | undefined {
    if (this.#ended) return undefined
    this.#queue.push({ blocks, bytes })
    this.#underWay += bytes
    this.#wakeReader()
    if (this.#underWay <= this.#windowBytes) return undefined
    return new Promise(resolve => { this.#wakeWriter = resolve })
  }

  /** No more comes; with an error, the reader gets it once it has read what was sent. */
  end (failure?: { err: unknown }): void {
    this.#failure ??= failure
    if (failure != null) this.#queue.length = 0
    this.#ended = true
    this.#wakeReader()
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Block[]> {
    try {
      for (;;) {
        const next = this.#queue.shift()
        if (next != null) {
          yield next.blocks
          this.#underWay -= next.bytes
          if (this.#underWay <= this.#windowBytes) this.#wakeWriter()
        } else if (this.#failure != null) {
          throw this.#failure.err
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>(resolve => { this.#wakeReader = resolve })
        }
      }
    } finally {
      this.close()
    }
  }

  /** The reader is gone (it may never have come): nobody waits any more. */
  close (): void {
    this.#ended = true
    this.#queue.length = 0
    this.#underWay = 0
    this.#wakeWriter()
  }
}
