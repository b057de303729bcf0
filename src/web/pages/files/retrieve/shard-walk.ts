import type { UnixFsBlock, UnixFsEntry } from './unixfs-block.ts'

/** Shards that are read side by side, and at most for one piece of the list: most of them have few entries, and some have none. */
const atOnce = 6
const mostShards = 600

/** The entries of a folder of many shards, piece by piece, in the folder's own order. Only what is asked for is read. */
export class ShardWalk {
  readonly #read: (cid: string, signal: AbortSignal) => Promise<UnixFsBlock>
  /** Shards that weren't read yet: the next one first. */
  #waiting: string[]
  #entries: readonly UnixFsEntry[]

  constructor (root: UnixFsBlock, read: (cid: string, signal: AbortSignal) => Promise<UnixFsBlock>) {
    this.#read = read
    this.#waiting = root.shards.slice()
    this.#entries = root.entries
  }

  /** All that are known by now. */
  get entries (): readonly UnixFsEntry[] { return this.#entries }

  get isAtEnd (): boolean { return this.#waiting.length === 0 }

  /** Reads about so many more; fewer at the end, and where they are sparse. What fails can be asked for again, and nothing is lost. */
  async more (count: number, signal: AbortSignal): Promise<void> {
    const wanted = this.#entries.length + count
    for (let read = 0; this.#entries.length < wanted && !this.isAtEnd && read < mostShards; read += atOnce) {
      const cids = this.#waiting.slice(0, atOnce)
      const blocks = await Promise.all(cids.map(async cid => this.#read(cid, signal)))
      this.#waiting = [...blocks.flatMap(({ shards }) => shards), ...this.#waiting.slice(cids.length)]
      this.#entries = [...this.#entries, ...blocks.flatMap(({ entries }) => entries)]
    }
  }
}
