import { ClusterError } from '../../base/errors.ts'
import type { BlockSink, ImportOutput, Shard } from '../../importer/importer.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import type { BlockHold } from '../../ipfs/ipfs.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { isRemote } from '../../model/pin.ts'
import type { AdderDeps } from './add.ts'
import { BlockFanOut } from './block-fan-out.ts'
import { LineQueue } from './line-queue.ts'
import { addedOutput, readUpload, rootOf } from './upload.ts'

export interface ShardedAddInit {
  entries: AsyncIterable<UploadEntry>
  params: AddParams
  signal: AbortSignal | undefined
  self: PeerId
}

/**
 * An add in pieces: each shard goes to peers of its own and is pinned when it is full, so that a long upload outlives garbage collections;
 * then come the cluster DAG, which every peer pins, and the meta-pin. When the add doesn't get to its end, the pins that it made are taken
 * back.
 */
export async function * addSharded (init: ShardedAddInit, deps: AdderDeps): AsyncGenerator<AddedOutput> {
  const { entries, params, signal } = init
  // one for all: shards are let go together, when they and the cluster DAG are pinned here
  using hold = deps.ipfs.hold({ isUnpinned: params.noPin })
  await using add = new ShardedAdd(init, { ...deps, hold })
  const sharder = deps.importers.sharder({ options: params.pin }, add)
  let root: CID | undefined
  const onRoot = (cid: CID): void => { root = cid }
  const outputs = readUpload({ entries, params, sink: sharder }, deps.importers, { signal, onRoot, forShards: true })
  yield * add.lines.mixedInto(add.outputs(outputs))
  const { cid, blocks, sizeBytes, pins } = await sharder.finish(rootOf(root))
  yield * add.lines.drain()
  await hold.put(blocks, signal == null ? {} : { signal })
  yield { name: `${params.pin.name}-clusterDAG`, cid, bytes: 0, size: sizeBytes, allocations: [] }
  for (const pin of pins) await add.pin(pin)
  add.complete()
}

/** One shard is open at a time. */
class ShardedAdd implements AsyncDisposable {
  /** Lines of finished shards. */
  readonly lines = new LineQueue<AddedOutput>()
  readonly #init: ShardedAddInit
  readonly #deps: AdderDeps & { hold: BlockHold }
  readonly #pinned: CID[] = []
  /** What is to be pinned on this peer. */
  readonly #ours: CID[] = []
  #open: { sink: BlockFanOut, allocations: PeerId[] } | undefined

  #isComplete = false

  constructor (init: ShardedAddInit, deps: AdderDeps & { hold: BlockHold }) {
    this.#init = init
    this.#deps = deps
  }

  /** All of it is stored and pinned. */
  complete (): void {
    this.#isComplete = true
    this.#deps.hold.handOver(this.#ours)
  }

  /** Files and directories carry the holders of the shard that is open when they are finished, as in Go. */
  async * outputs (outputs: AsyncIterable<ImportOutput>): AsyncGenerator<AddedOutput> {
    for await (const output of outputs) yield addedOutput(output, this.#open?.allocations ?? [])
  }

  openShard (): BlockSink {
    const { self, params, signal } = this.#init
    const { allocations, destinations } = this.#deps.placement.targets(params)
    const sink = new BlockFanOut({ self, destinations, signal, hold: this.#deps.hold, isPinned: !params.noPin }, this.#deps)
    this.#open = { sink, allocations }
    return sink
  }

  async closeShard (shard: Shard): Promise<void> {
    const open = this.#open
    if (open == null) throw new ClusterError('INTERNAL', {}, { message: 'a shard was closed that is not open' })
    await open.sink.finish()
    this.#open = undefined
    await this.pin({ ...shard.pin, allocations: open.allocations })
    this.lines.push({ name: `shard-${shard.index}`, cid: shard.cid, bytes: 0, size: shard.sizeBytes, allocations: open.allocations })
  }

  async pin (pin: Pin): Promise<void> {
    this.#init.signal?.throwIfAborted()
    if (this.#init.params.noPin) return
    if (!this.#deps.consensus.state.has(pin.cid)) this.#pinned.push(pin.cid)
    await this.#deps.hold.keepUntilPinned(pin.cid)
    const stored = await this.#deps.pinner.pin(pin)
    if (stored.type !== 'meta-pin' && !isRemote(stored, this.#init.self)) this.#ours.push(pin.cid)
  }

  /** Removes the pins of an add that isn't complete. Never rejects: what can't be removed is logged. */
  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#isComplete) return
    await this.#open?.sink[Symbol.asyncDispose]()
    const results = await Promise.allSettled(this.#pinned.map(async cid => this.#deps.consensus.remove(cid)))
    const failed = results.filter(result => result.status === 'rejected')
    if (failed.length > 0) {
      this.#deps.log.warn('shards of an aborted add are still pinned', { shards: failed.length, err: failed[0]?.reason })
    }
  }
}
