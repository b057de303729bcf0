import type { Block } from '../../blockstore/blockstore.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { BlockSink } from '../../importer/importer.ts'
import type { BlockHold, IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import { Destination } from './destination.ts'

export interface BlockFanOutInit {
  self: PeerId
  /** Who gets every block. Not empty. */
  destinations: readonly PeerId[]
  signal?: AbortSignal | undefined
  /** Keeps the blocks on this peer until their root is pinned. */
  hold: BlockHold
  /** They are about to be pinned: what is one batch is stored so that it survives a power loss. */
  isPinned: boolean
}

export interface BlockFanOutDeps {
  ipfs: Pick<IpfsConnector, 'putBlocks'>
  remotes: Pick<RemotePeers, 'putBlocks'>
  log: Logger
}

/** Blocks travel in batches of about this size. */
const batchBytes = 1 << 20
/** What a block counts besides its content: a batch is worked on in one go, and tiny blocks make as much work as others. */
const blockBytes = 1024
/** What may be under way to one destination in one stream. */
const windowBytes = 6 << 20

/**
 * Sends the blocks of an add to its destinations while they are made. The slowest one sets the pace. A destination that fails is left
 * behind; only when none is left is that an error.
 */
export class BlockFanOut implements BlockSink, AsyncDisposable {
  readonly #init: BlockFanOutInit
  readonly #deps: BlockFanOutDeps
  readonly #destinations: ReadonlyMap<PeerId, Destination>
  #batch: Block[] = []
  #bytes = 0
  #streaming = false
  #isFinished = false

  constructor (init: BlockFanOutInit, deps: BlockFanOutDeps) {
    this.#init = init
    this.#deps = deps
    this.#destinations = new Map(init.destinations.map(peer => [peer, this.#destination(peer)]))
  }

  write (blocks: readonly Block[]): Promise<void> | undefined {
    for (const block of blocks) {
      this.#batch.push(block)
      this.#bytes += block.bytes.length + blockBytes
    }
    return this.#bytes < batchBytes ? undefined : this.#send()
  }

  /** Resolves when every destination that didn't fail has stored everything. Rejects when all failed. */
  async finish (): Promise<void> {
    if (this.#streaming) {
      if (this.#batch.length > 0) await this.#send()
      await this.#each(async destination => destination.finish())
    } else if (this.#batch.length > 0) {
      await this.#each(async destination => destination.putOnly(this.#batch))
    }
    this.#init.signal?.throwIfAborted()
    this.#checkFailures()
    this.#isFinished = true
    for (const [peer, { failure }] of this.#destinations) {
      if (failure != null) this.#deps.log.warn('a peer did not take the blocks of an add', { peer, err: failure.err })
    }
  }

  /** Gives up what isn't finished: no destination keeps waiting for the rest. Never rejects. */
  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#isFinished) return
    this.#batch = []
    const err = new ClusterError('IPFS_ERROR', {}, { message: 'the add was given up' })
    await this.#each(async destination => destination.abort(err))
  }

  async #send (): Promise<void> {
    const blocks = this.#batch
    const bytes = this.#bytes
    this.#batch = []
    this.#bytes = 0
    this.#streaming = true
    this.#checkFailures()
    await Promise.all(Array.from(this.#destinations.values(), destination => destination.push(blocks, bytes)))
    this.#init.signal?.throwIfAborted()
    this.#checkFailures()
  }

  async #each (work: (destination: Destination) => Promise<void>): Promise<void> {
    const [first, ...others] = this.#destinations.values()
    if (first != null && others.length === 0) await work(first)
    else await Promise.all(Array.from(this.#destinations.values(), work))
  }

  #checkFailures (): void {
    const failures = Array.from(this.#destinations.values(), ({ failure }) => failure)
    // this peer's own word: others need not agree for it to count
    const denied = failures.find(failure => isClusterError(failure?.err, 'DENIED'))
    if (denied != null) throw denied.err
    if (failures.some(failure => failure == null)) return
    const full = failures.find(failure => isClusterError(failure?.err, 'STORAGE_FULL'))
    if (full != null) throw full.err
    throw new ClusterError('IPFS_ERROR', {}, { message: 'failed to put block on all destinations', cause: failures[0]?.err })
  }

  #destination (peer: PeerId): Destination {
    const { self, signal, hold, isPinned } = this.#init
    const { ipfs, remotes } = this.#deps
    const options = signal == null ? {} : { signal }
    if (peer === self) {
      return new Destination({ windowBytes, streamPerPrefix: false, put: async (blocks, { isWhole }) =>
        ipfs.putBlocks(blocks, { ...options, hold, sync: isWhole && isPinned }) })
    }
    return new Destination({ windowBytes, streamPerPrefix: true, put: async blocks => remotes.putBlocks(peer, blocks, options) })
  }
}
