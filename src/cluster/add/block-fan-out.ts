import type { Block } from '../../blockstore/blockstore.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import { giveBack } from '../../base/lent-memory.ts'
import type { Logger } from '../../base/log.ts'
import type { BlockSink } from '../../importer/importer.ts'
import type { BlockHold } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import { LocalDestination, RemoteDestination } from './destination.ts'
import type { Destination } from './destination.ts'

export interface BlockFanOutInit {
  self: PeerId
  /** Who gets every block. Not empty. */
  destinations: readonly PeerId[]
  signal?: AbortSignal | undefined
  /** Takes the blocks of this peer, and keeps them until their root is pinned. */
  hold: Pick<BlockHold, 'put'>
  /** They are about to be pinned: what is one batch is stored so that it survives a power loss. */
  isPinned: boolean
}

export interface BlockFanOutDeps {
  remotes: Pick<RemotePeers, 'putBlocks'>
  log: Logger
}

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
  #hasBegun = false
  #isFinished = false

  constructor (init: BlockFanOutInit, deps: BlockFanOutDeps) {
    this.#init = init
    this.#deps = deps
    this.#destinations = new Map(init.destinations.map(peer => [peer, this.#destination(peer)]))
  }

  async write (blocks: readonly Block[], { isLast = false }: { isLast?: boolean } = {}): Promise<void> {
    const isOnly = isLast && !this.#hasBegun
    this.#hasBegun = true
    this.#checkFailures()
    const waits = Array.from(this.#destinations.values(), destination => destination.push(blocks, { isOnly })).filter(wait => wait != null)
    if (waits.length > 0) await Promise.all(waits)
    this.#init.signal?.throwIfAborted()
    this.#checkFailures()
  }

  /** Resolves when every destination that didn't fail has stored everything. Rejects when all failed. */
  async finish (): Promise<void> {
    await this.#each(async destination => destination.finish())
    this.#init.signal?.throwIfAborted()
    this.#checkFailures()
    this.#isFinished = true
    for (const [peer, { failure }] of this.#destinations) {
      if (failure != null) this.#deps.log.warn('a peer did not accept the blocks of an add', { peer, err: failure.err })
    }
  }

  /** Gives up what isn't finished: no destination keeps waiting for the rest. Never rejects. */
  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#isFinished) return
    const err = new ClusterError('IPFS_ERROR', {}, { message: 'the add was aborted' })
    await this.#each(async destination => destination.abort(err))
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
    const { self, signal } = this.#init
    const options = signal == null ? {} : { signal }
    return peer === self
      ? new LocalDestination({ windowBytes, put: async (blocks, { isOnly }) => this.#putHere(blocks, isOnly) })
      : new RemoteDestination({ windowBytes, put: async blocks => this.#deps.remotes.putBlocks(peer, blocks, options) })
  }

  async #putHere (blocks: readonly Block[], isOnly: boolean): Promise<void> {
    const { signal, hold, isPinned, destinations } = this.#init
    await hold.put(blocks, { ...signal == null ? {} : { signal }, sync: isOnly && isPinned })
    // a stream to another peer may still read them
    if (destinations.length === 1) for (const { bytes } of blocks) giveBack(bytes)
  }
}
