import { bytesOf } from '../../blockstore/blockstore.ts'
import { Channel } from '../../base/channel.ts'
import type { Block } from '../../blockstore/blockstore.ts'

/** One peer that gets the blocks of an add. After a failure it takes no more; nobody is told before the end. */
export interface Destination {
  readonly failure: { err: unknown } | undefined
  /** Resolves when there is room for more; undefined when there is. `isOnly`: nothing came before, and nothing follows. */
  push (blocks: readonly Block[], options: { isOnly: boolean }): Promise<unknown> | undefined
  /** Resolves when everything is stored, or has failed. */
  finish (): Promise<void>
  /** Nothing half-sent counts as complete. Resolves when nothing is under way. */
  abort (err: unknown): Promise<void>
}

export interface LocalDestinationInit {
  put: (blocks: readonly Block[], options: { isOnly: boolean }) => Promise<void>
  /** What may be under way. Bytes. */
  windowBytes: number
}

/** This peer: each batch is handed to the store as it comes. */
export class LocalDestination implements Destination {
  readonly #init: LocalDestinationInit
  readonly #running = new Set<Promise<void>>()
  #bytes = 0
  failure: Destination['failure']

  constructor (init: LocalDestinationInit) { this.#init = init }

  push (blocks: readonly Block[], { isOnly }: { isOnly: boolean }): Promise<void> | undefined {
    if (this.failure != null) return undefined
    const bytes = bytesOf(blocks)
    this.#bytes += bytes
    const running = this.#init.put(blocks, { isOnly }).catch(err => { this.failure ??= { err } }).then(() => {
      this.#bytes -= bytes
      this.#running.delete(running)
    })
    this.#running.add(running)
    return this.#bytes <= this.#init.windowBytes ? undefined : this.#room()
  }

  async finish (): Promise<void> { await Promise.all(this.#running) }

  async abort (err: unknown): Promise<void> {
    this.failure ??= { err }
    await this.finish()
  }

  async #room (): Promise<void> { while (this.#bytes > this.#init.windowBytes) await Promise.race(this.#running) }
}

export interface RemoteDestinationInit {
  /** Stores the blocks that come; resolves when all of them are stored. */
  put: (blocks: AsyncIterable<readonly Block[]>) => Promise<void>
  /** What may be under way in one stream. Bytes. */
  windowBytes: number
}

/** Another peer: a stream for each codec and hash, because Go's peers file a whole stream under the first block's prefix. */
export class RemoteDestination implements Destination {
  readonly #init: RemoteDestinationInit
  readonly #channels = new Map<string, { channel: Channel<readonly Block[]>, done: Promise<void> }>()
  failure: Destination['failure']

  constructor (init: RemoteDestinationInit) { this.#init = init }

  push (blocks: readonly Block[]): Promise<unknown> | undefined {
    if (this.failure != null) return undefined
    const waits = [...groupByPrefix(blocks)].map(([prefix, group]) => this.#channelFor(prefix).push(group, bytesOf(group)))
    return waits.every(wait => wait == null) ? undefined : Promise.all(waits)
  }

  async finish (): Promise<void> {
    for (const { channel } of this.#channels.values()) channel.end()
    await this.#done()
  }

  async abort (err: unknown): Promise<void> {
    this.#failed(err)
    await this.#done()
  }

  async #done (): Promise<void> { await Promise.all(Array.from(this.#channels.values(), ({ done }) => done)) }

  #channelFor (prefix: string): Channel<readonly Block[]> {
    const known = this.#channels.get(prefix)
    if (known != null) return known.channel
    const channel = new Channel<readonly Block[]>(this.#init.windowBytes)
    const done = this.#init.put(channel).catch(err => { this.#failed(err) }).finally(() => channel.close())
    this.#channels.set(prefix, { channel, done })
    return channel
  }

  #failed (err: unknown): void {
    this.failure ??= { err }
    for (const { channel } of this.#channels.values()) channel.end({ err })
  }
}

function groupByPrefix (blocks: readonly Block[]): Map<string, Block[]> {
  return Map.groupBy(blocks, ({ cid }) => `${cid.code}/${cid.multihash.code}/${cid.multihash.size}`)
}
