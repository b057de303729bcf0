import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import { CID } from '../../model/cid.ts'
import { decodeDagCbor } from '../../model/dag-cbor.ts'
import type { Pin, PinType } from '../../model/pin.ts'
import type { CallOptions } from '../cluster-api.ts'
import { within } from '../deadline.ts'
import { refuseInFollowerMode } from '../follower.ts'
import { isExpired } from './pin-rules.ts'

export interface UnpinnerDeps {
  consensus: Pick<Consensus, 'state' | 'remove' | 'removeIf' | 'whenWritten'>
  ipfs: Pick<IpfsConnector, 'getBlock'>
  clock: Clock
  log: Logger
}

/** How a type may be unpinned: by itself, with everything under it, or not at all (the text says why). */
const manners: Record<PinType, 'alone' | 'with-shards' | { refusal: string }> = {
  pin: 'alone',
  'meta-pin': 'with-shards',
  'shard-pin': { refusal: 'cannot unpin a shard directly. Unpin content root CID instead' },
  'clusterdag-pin': { refusal: 'cannot unpin a Cluster DAG directly. Unpin content root CID instead' },
  'bad-type': { refusal: 'the pin has no valid type' }
}

/** True when `unpin` takes this type. */
export const isUnpinnable = (type: PinType): boolean => typeof manners[type] === 'string'

const removalsAtATime = 1000
/** How long the cluster DAG's root is looked for; every peer pins it. */
const clusterDagMs = 60_000

/** Three items a link. Nodes have 5984 links, the root one for each of them: these are enough for 99 million shards. */
const nodeLimits = { depth: 4, items: 50_000 }

/** The use case "this is no longer needed". */
export class Unpinner {
  readonly #init: { followerMode: boolean }
  readonly #deps: UnpinnerDeps

  constructor (init: { followerMode: boolean }, deps: UnpinnerDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Resolves with the pin that was removed. A meta-pin goes last, after its shards and its cluster DAG, so that a failure half way can be
   * repeated. Rejects with FOLLOWER_MODE, NOT_PINNED, PIN_REFUSED (shards and cluster DAGs), the node's errors when a cluster DAG can't be
   * read (nothing is changed then).
   */
  async unpin (cid: CID, call: CallOptions = {}): Promise<Pin> {
    refuseInFollowerMode(this.#init)
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null) throw new ClusterError('NOT_PINNED', { cid: cid.toString() })
    const manner = manners[pin.type]
    if (typeof manner === 'object') throw new ClusterError('PIN_REFUSED', { type: pin.type }, { message: manner.refusal })
    if (manner === 'with-shards') await this.#unpinParts(pin, call)
    await this.#deps.consensus.remove(cid)
    return pin
  }

  /**
   * Unpins an item that is over its time, as long as nobody changes it: resolves with whether it is gone. Parts of a meta-pin that are not
   * over their time belong to something else or have just been added again; they stay. A part that is changed meanwhile keeps the meta-pin,
   * for another try. Rejects as `unpin`.
   */
  async expire (pin: Pin, call: CallOptions = {}): Promise<boolean> {
    refuseInFollowerMode(this.#init)
    const { consensus } = this.#deps
    return (manners[pin.type] !== 'with-shards' || await this.#expireParts(pin, call)) && consensus.removeIf(pin)
  }

  async #expireParts (meta: Pin, call: CallOptions): Promise<boolean> {
    const { consensus, clock } = this.#deps
    return this.#eachPart(meta, call, async cid => {
      await consensus.whenWritten(cid)
      const part = consensus.state.get(cid)
      return part == null || !isExpired(part, clock.now()) || consensus.removeIf(part)
    })
  }

  async #unpinParts (meta: Pin, call: CallOptions): Promise<void> {
    await this.#eachPart(meta, call, async cid => {
      await this.#deps.consensus.remove(cid)
      return true
    })
  }

  /** Takes the shards away, several at a time, then the cluster DAG, as long as all goes well; resolves with whether it did. */
  async #eachPart (meta: Pin, call: CallOptions, take: (part: CID) => Promise<boolean>): Promise<boolean> {
    const { reference } = meta
    if (reference == null) {
      throw new ClusterError('INVALID_DATA', { cid: meta.cid.toString() }, { message: 'the meta-pin has no reference to its cluster DAG' })
    }
    for await (const shards of this.#shardsOf(reference, call)) {
      const isTaken = await Promise.all(shards.map(take))
      if (isTaken.includes(false)) return false
    }
    return take(reference)
  }

  /**
   * The shards that a cluster DAG links to, in batches; a DAG of many shards has a level of nodes in between, which are not pinned. One
   * node at a time is in memory. What is read first decides whether anything is changed: it is the root.
   */
  async * #shardsOf (clusterDag: CID, call: CallOptions): AsyncGenerator<CID[]> {
    const { clock, ipfs, consensus } = this.#deps
    const links = linksOf(
      await within({ clock, ms: clusterDagMs, signal: call.signal }, async signal => ipfs.getBlock(clusterDag, { signal }))
    )
    // before any of them is taken: a shard that is gone must not be looked into as a node
    const between = links.filter(link => !consensus.state.has(link))
    yield * this.#shardsAmong(links)
    for (const node of between) yield * this.#shardsAmong(await this.#linksOfNode(node, call))
  }

  #shardsAmong (links: readonly CID[]): Iterable<CID[]> { return batchesOf(links.filter(cid => this.#isShard(cid)), removalsAtATime) }

  /** A link that isn't pinned is a node in between, or a shard that an earlier try has removed: its block needn't exist any more. */
  async #linksOfNode (node: CID, call: CallOptions): Promise<CID[]> {
    try {
      return linksOf(await this.#deps.ipfs.getBlock(node, { ...call, local: true }))
    } catch (err) {
      call.signal?.throwIfAborted()
      this.#deps.log.debug('a node of the cluster DAG could not be read', { cid: node.toString(), err })
      return []
    }
  }

  #isShard (cid: CID): boolean { return this.#deps.consensus.state.get(cid)?.type === 'shard-pin' }
}

/** The links of a shard-style node, each once: a map of numbers to links. Throws INVALID_DATA for more than any cluster DAG has. */
function linksOf (bytes: Uint8Array): CID[] {
  const node = decodeDagCbor<Record<string, unknown>>(bytes, nodeLimits)
  const links = Object.values(node).map(value => CID.asCID(value)).filter(cid => cid != null)
  return [...new Map(links.map(cid => [cid.toString(), cid])).values()]
}
