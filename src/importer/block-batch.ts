import { yieldToEventLoop } from '../base/event-loop.ts'
import type { Block } from '../blockstore/blockstore.ts'
import { isStorable, notStored } from '../hash/multihash.ts'
import type { BlockSink } from './importer.ts'

/** A batch goes to the sink when it has this many bytes or blocks, whichever comes first: 64 KiB of small files are 64 blocks of 1 KiB. */
const batchBytes = 1 << 20
const batchBlocks = 64

/**
 * Gathers blocks for the sink. One batch is written while the next is gathered. Blocks that Kubo wouldn't store are dropped and remembered.
 */
export class BlockBatch {
  readonly #sink: BlockSink
  #blocks: Block[] = []
  #bytes = 0
  #writing: Promise<void> | undefined
  #refused = false

  constructor (sink: BlockSink) { this.#sink = sink }

  add (block: Block): void {
    const { code, size } = block.cid.multihash
    if ((code !== 0x12 || size !== 32) && !isStorable(code, size)) {
      this.#refused = true
      return
    }
    this.#blocks.push(block)
    this.#bytes += block.bytes.length
  }

  /** True: call `flush` before adding much more. */
  get isFull (): boolean { return this.#bytes >= batchBytes || this.#blocks.length >= batchBlocks }

  /** Gives others their turn (a sink may take a batch at once), waits for the batch before and begins to write this one. */
  async flush (): Promise<void> {
    await yieldToEventLoop()
    await this.#write()
  }

  async #write (): Promise<void> {
    await this.#writing
    this.#writing = undefined
    if (this.#blocks.length === 0) return
    const blocks = this.#blocks
    this.#blocks = []
    this.#bytes = 0
    const writing = this.#sink.write(blocks)
    if (writing == null) return
    writing.catch(() => {}) // seen by whoever waits for it next
    this.#writing = writing
  }

  /** Writes everything and waits. */
  async drain (): Promise<void> {
    await this.#write()
    await this.#writing
    this.#writing = undefined
  }

  /** The end: writes everything; throws IPFS_ERROR when blocks had to be dropped. */
  async finish (): Promise<void> {
    await this.drain()
    if (this.#refused) throw notStored()
  }

  /** After a failure: nothing more is written; waits for what is under way. Never throws. */
  async abandon (): Promise<void> {
    this.#blocks = []
    await this.#writing?.catch(() => {})
  }
}
