import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import type { Random } from '../../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { sideBySide } from '../../../base/side-by-side.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import type { RemovedKey } from '../../../model/peer.ts'
import type { Pin } from '../../../model/pin.ts'
import { rawCodec } from '../../../model/multicodec.ts'
import type { IpfsPinStatus } from '../../ipfs.ts'
import { blockSet } from '../walk/block-set.ts'
import { isLeaf } from '../links/links.ts'
import type { BlockSet, CollectOptions, GarbageCollector, Root, RootTable, WalkScratch } from './repository.ts'
import type { BlockProtection, Collection } from './protection.ts'
import type { RecentTable } from './recent-blocks.ts'
import { walkDag } from '../walk/walk.ts'

export interface GarbageCollectorInit {
  /** For marks that don't fit into memory. Nothing in it outlives a collection. */
  folder: string
  /** Memory for marks. Default 32 MiB: 1.2 million blocks. */
  markMemoryBytes?: number
  /** Reads at a time. Default 32. */
  concurrency?: number
}

export interface GarbageCollectorDeps {
  blocks: Pick<Blockstore, 'get' | 'has' | 'delete' | 'multihashes'>
  roots: Pick<RootTable, 'list' | 'statusesOf'>
  protection: BlockProtection
  recent: Pick<RecentTable, 'list'>
  scratch: WalkScratch
  random: Random
  log: Logger
}

/** DAGs that are walked side by side: most are small. */
const rootsAtATime = 8
/** More unreadable blocks than these are only counted. */
const reportedFaults = 1000

/** Mark and sweep beside running pins and adds: repository.ts has the order that makes it safe, docs/design/storage.md why. */
export function garbageCollector (init: GarbageCollectorInit, deps: GarbageCollectorDeps): GarbageCollector {
  return { collect: (options = {}) => collect(init, deps, options) }
}

async function * collect (
  init: GarbageCollectorInit, deps: GarbageCollectorDeps, { signal, wanted }: CollectOptions
): AsyncGenerator<RemovedKey> {
  signal?.throwIfAborted()
  const marks = blockSet({ folder: join(init.folder, 'marks'), memoryBytes: init.markMemoryBytes ?? 32 * 1024 * 1024 }, deps)
  let collection: Collection | undefined
  try {
    collection = await deps.protection.collect(marks, signal)
    const faults = await new Marker(init, deps, marks).mark({ wanted, signal })
    if (faults.length > 0) yield * faults
    else yield * sweep(deps, collection, signal)
  } finally {
    collection?.end()
    await marks.close()
  }
}

class Marker {
  readonly #init: GarbageCollectorInit
  readonly #deps: GarbageCollectorDeps
  readonly #marks: BlockSet
  readonly #faults: RemovedKey[] = []

  constructor (init: GarbageCollectorInit, deps: GarbageCollectorDeps, marks: BlockSet) {
    this.#init = init
    this.#deps = deps
    this.#marks = marks
  }

  /** Marks all that is needed; resolves to what couldn't be read. */
  async mark ({ wanted, signal }: {
    wanted: CollectOptions['wanted'] | undefined, signal: AbortSignal | undefined
  }): Promise<RemovedKey[]> {
    const options = signal == null ? {} : { signal }
    for await (const multihashes of this.#deps.recent.list(options)) await this.#add(multihashes)
    for await (const roots of this.#deps.roots.list(options)) {
      await sideBySide(roots, rootsAtATime, async root => this.#markRoot(root, signal))
      await this.#marks.room()
    }
    for await (const pins of wanted?.() ?? []) {
      signal?.throwIfAborted()
      const statuses = await this.#deps.roots.statusesOf(pins.map(({ cid }) => cid))
      for (const [at, pin] of pins.entries()) if (lacksRoot(pin, statuses[at])) await this.#markIfWhole(pin, signal)
      await this.#marks.room()
    }
    return this.#faults
  }

  /** Half a DAG is fetched again by who still wants it, and may be in the way of the rest. */
  async #markIfWhole ({ cid, maxDepth: depth }: Pin, signal?: AbortSignal): Promise<void> {
    if (!this.#deps.blocks.has(cid)) return
    try {
      await walkDag(cid, {
        depth, scratch: this.#deps.scratch, concurrency: this.#init.concurrency ?? 32, get: async block => this.#readHere(block),
        ...(signal == null ? {} : { signal })
      })
    } catch (err) {
      if (isClusterError(err, 'BLOCK_MISSING') || isClusterError(err, 'INVALID_DATA')) return
      throw err
    }
    await this.#markRoot({ cid, depth }, signal)
  }

  async #add (multihashes: readonly Uint8Array[]): Promise<void> {
    for (const multihash of multihashes) this.#marks.add(multihash)
    await this.#marks.room()
  }

  async #markRoot ({ cid, depth }: Pick<Root, 'cid' | 'depth'>, signal?: AbortSignal): Promise<void> {
    if (isLeaf(cid) || depth === 0) {
      this.#marks.add(cid.multihash.bytes)
      return
    }
    let reading = cid
    try {
      await walkDag(cid, {
        depth,
        seen: this.#marks,
        scratch: this.#deps.scratch,
        concurrency: this.#init.concurrency ?? 32,
        get: async block => await this.#read(block).catch(err => {
          reading = block
          throw err
        }),
        ...(signal == null ? {} : { signal })
      })
    } catch (err) {
      if (!isClusterError(err, 'BLOCK_MISSING') && !isClusterError(err, 'INVALID_DATA')) throw err
      this.#deps.log.warn('a pinned DAG is incomplete', { root: cid.toString(), block: reading.toString(), err })
      if (this.#faults.length < reportedFaults) {
        this.#faults.push({ key: reading, error: `pinned by ${cid.toString()}: ${messageOf(err)}; nothing was removed` })
      }
    }
  }

  async #readHere (cid: CID): Promise<Uint8Array | undefined> {
    if (isLeaf(cid) && !this.#deps.blocks.has(cid)) throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() })
    return this.#read(cid)
  }

  /** Leaves needn't be read: nothing hangs on them. */
  async #read (cid: CID): Promise<Uint8Array | undefined> {
    if (isLeaf(cid)) return undefined
    const bytes = await this.#deps.blocks.get(cid)
    if (bytes == null) throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() }, { message: `block ${cid.toString()} is not here` })
    return bytes
  }
}

const lacksRoot = ({ maxDepth }: Pin, status: IpfsPinStatus | undefined): boolean =>
  status !== 'recursive' && (status !== 'direct' || maxDepth !== 0)

async function * sweep (deps: GarbageCollectorDeps, collection: Collection, signal?: AbortSignal): AsyncGenerator<RemovedKey> {
  for await (const multihashes of deps.blocks.multihashes(signal == null ? {} : { signal })) {
    signal?.throwIfAborted()
    // No await between the look and `deleting`: who protects a block in between waits until it is gone, and then sees that.
    const garbage = multihashes.filter(multihash => !collection.keeps(multihash))
    if (garbage.length === 0) continue
    const cids = garbage.map(multihash => CID.createV1(rawCodec, Digest.decode(multihash)))
    const gone = collection.deleting(garbage)
    const error = await deps.blocks.delete(cids).then(() => '', messageOf).finally(gone)
    for (const key of cids) yield { key, error }
  }
}
