import { Channel } from '../../base/channel.ts'
import type { Block } from '../../blockstore/blockstore.ts'

/** Stores the blocks that come; resolves when all of them are stored. `isWhole`: it is one batch, and no other follows. */
export type PutBlocks = (blocks: AsyncIterable<Block[]>, options: { isWhole: boolean }) => Promise<void>

export interface DestinationInit {
  put: PutBlocks
  windowBytes: number
  /** A stream of its own for each codec and hash: Go's peers file a whole stream under the first block's prefix. */
  streamPerPrefix: boolean
}

/** One peer that gets the blocks of an add. After a failure it takes no more; nobody is told before the end. */
export class Destination {
  readonly #init: DestinationInit
  readonly #channels = new Map<string, { channel: Channel<Block[]>, done: Promise<void> }>()
  #failure: { err: unknown } | undefined

  constructor (init: DestinationInit) { this.#init = init }

  get failure (): { err: unknown } | undefined { return this.#failure }

  /** Resolves when there is room for more. */
  push (blocks: Block[], bytes: number): Promise<unknown> | undefined {
    if (this.#failure != null) return undefined
    if (!this.#init.streamPerPrefix) return this.#channelFor('').push(blocks, bytes)
    const waits = [...groupByPrefix(blocks)].map(([prefix, group]) => this.#channelFor(prefix).push(group, sizeOf(group)))
    return waits.every(wait => wait == null) ? undefined : Promise.all(waits)
  }

  /** All blocks at once, when nothing was pushed before: the short way for small adds. */
  async putOnly (blocks: Block[]): Promise<void> {
    const groups = this.#init.streamPerPrefix ? [...groupByPrefix(blocks).values()] : [blocks]
    try {
      await Promise.all(groups.map(async group => this.#init.put(only(group), { isWhole: true })))
    } catch (err) {
      this.#failure ??= { err }
    }
  }

  /** Resolves when everything is stored, or has failed. */
  async finish (): Promise<void> {
    for (const { channel } of this.#channels.values()) channel.end()
    await Promise.all(Array.from(this.#channels.values(), ({ done }) => done))
  }

  /** Ends the streams with this error, so that nothing half-sent counts as complete. */
  async abort (err: unknown): Promise<void> {
    this.#failure ??= { err }
    for (const { channel } of this.#channels.values()) channel.end({ err })
    await Promise.all(Array.from(this.#channels.values(), ({ done }) => done))
  }

  #channelFor (prefix: string): Channel<Block[]> {
    const known = this.#channels.get(prefix)
    if (known != null) return known.channel
    const channel = new Channel<Block[]>(this.#init.windowBytes)
    const done = this.#init.put(channel, { isWhole: false }).catch(err => { this.#failed(err) }).finally(() => channel.close())
    this.#channels.set(prefix, { channel, done })
    return channel
  }

  #failed (err: unknown): void {
    this.#failure ??= { err }
    for (const { channel } of this.#channels.values()) channel.end({ err })
  }
}

async function * only (blocks: Block[]): AsyncGenerator<Block[]> { yield blocks }

const sizeOf = (blocks: readonly Block[]): number => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)

function groupByPrefix (blocks: readonly Block[]): Map<string, Block[]> {
  return Map.groupBy(blocks, ({ cid }) => `${cid.code}/${cid.multihash.code}/${cid.multihash.size}`)
}
