import { yieldToEventLoop } from '../base/event-loop.ts'
import type { Block } from '../blockstore/blockstore.ts'
import { isStorable, notStored } from '../hash/multihash.ts'
import { sha256Hash } from '../model/multicodec.ts'
import type { BlockSink } from './importer.ts'

/** A batch goes to the sink when it weighs so much. */
export const batchWeight = 1 << 20
/** What a block weighs besides its bytes: a batch is worked on in one go, and tiny blocks make as much work as others. */
const blockWeight = 1024
/** Blocks that are made until others have their turn. */
const blocksPerTick = 64

/** What a block counts in a batch: about the bytes that it takes. */
export const weightOf = ({ bytes }: Pick<Block, 'bytes'>): number => bytes.length + blockWeight

/**
 * Gathers blocks for the sink: the one place on the way of an upload's blocks where that is done. One batch is written while the next is
 * gathered. Blocks that Kubo wouldn't store are dropped and remembered.
 */
export class BlockBatch {
  readonly #sink: BlockSink
  #blocks: Block[] = []
  #weight = 0
  #inTick = 0
  #writing: Promise<void> | undefined
  #refused = false

  constructor (sink: BlockSink) { this.#sink = sink }

  add (block: Block): void {
    const { code, size } = block.cid.multihash
    if ((code !== sha256Hash || size !== 32) && !isStorable(code, size)) {
      this.#refused = true
      return
    }
    this.#blocks.push(block)
    this.#weight += weightOf(block)
    this.#inTick++
  }

  /** True: call `flush` before adding much more. */
  get isFull (): boolean { return this.#weight >= batchWeight || this.#inTick >= blocksPerTick }

  /** Gives others their turn (a sink may take a batch at once); a batch that is large enough is begun to be written, behind the last one. */
  async flush (): Promise<void> {
    await yieldToEventLoop()
    this.#inTick = 0
    if (this.#weight >= batchWeight) await this.#write()
  }

  async #write (isLast = false): Promise<void> {
    await this.#writing
    this.#writing = undefined
    if (this.#blocks.length === 0) return
    const blocks = this.#blocks
    this.#blocks = []
    this.#weight = 0
    const writing = this.#sink.write(blocks, { isLast })
    if (writing == null) return
    writing.catch(() => {}) // seen by whoever waits for it next
    this.#writing = writing
  }

  /** Writes everything and waits. */
  async drain (isLast = false): Promise<void> {
    await this.#write(isLast)
    await this.#writing
    this.#writing = undefined
  }

  /** The end: writes everything; throws IPFS_ERROR when blocks had to be dropped. */
  async finish (): Promise<void> {
    await this.drain(true)
    if (this.#refused) throw notStored()
  }

  /** After a failure: nothing more is written; waits for what is under way. Never throws. */
  async abandon (): Promise<void> {
    this.#blocks = []
    await this.#writing?.catch(() => {})
  }
}
