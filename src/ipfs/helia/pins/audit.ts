import { BufferPool } from '../../../base/buffer-pool.ts'
import { deadline } from '../../../base/clock.ts'
import type { Clock, Random } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import { isContentOf } from '../../../hash/multihash.ts'
import type { CID, PeerId } from '../../../model/cid.ts'
import type { Pin } from '../../../model/pin.ts'
import { identityHash } from '../../../model/multicodec.ts'
import type { Auditor, Challenge, ChallengeOptions, PinAudit, PinAuditOptions } from '../../audit.ts'
import type { AllocatedNodes } from '../retrieval/allocated-nodes.ts'
import type { BlockFetcher } from '../retrieval/block-fetcher.ts'
import type { LocalNode } from '../local-node.ts'
import type { HeliaNode } from '../network/node.ts'
import { isLeaf, linksOf } from '../links/links.ts'

export interface NodeAuditInit {
  /** How long a block is waited for. Milliseconds. */
  requestTimeoutMs: number
}

export interface NodeAuditDeps {
  blockstore: Blockstore
  local: Pick<LocalNode, 'roots' | 'walk'>
  fetcher: Pick<BlockFetcher, 'fetch'>
  /** The nodes of the peers that shall have what is below a root. */
  holders: Pick<AllocatedNodes, 'connected' | 'allConnected'>
  network: Pick<HeliaNode, 'dial' | 'peers' | 'askOnly'>
  networkReady: (signal: AbortSignal) => Promise<void>
  clock: Clock
  random: Random
  log: Logger
}

const mostBadNamed = 100
/** Reads at a time: the disk is others', too, and what is hashed shall still be in the processor's cache. */
const readsAtOnce = 2
/** Leaves are read into the same memory again and again: fresh memory costs more than reading. */
const leafMemory = { keepBytes: 8 * 1024 * 1024, largestBytes: 4 * 1024 * 1024, idleMs: 10_000 }
const answerMs = 20_000
const askAgainMs = 200
const deepestWay = 64

/** Looks whether blocks are here and right, and whether another node has them. */
export class NodeAudit implements Auditor {
  readonly #init: NodeAuditInit
  readonly #deps: NodeAuditDeps
  readonly #leaves: BufferPool

  constructor (init: NodeAuditInit, deps: NodeAuditDeps) {
    this.#init = init
    this.#deps = deps
    this.#leaves = new BufferPool(leafMemory, deps)
  }

  async audit (pin: Pin, { repair, pace, signal }: PinAuditOptions): Promise<PinAudit> {
    const root = this.#deps.local.roots.get(pin.cid)
    if (root == null) throw notHere(pin.cid)
    const found: PinAudit = { blocks: 0, bytes: 0, bad: [], badCount: 0, repaired: 0 }
    const get = async (cid: CID): Promise<Uint8Array | undefined> => {
      signal?.throwIfAborted()
      const here = await this.#good(cid)
      const bytes = here ?? (repair ? await this.#again(cid, pin.cid, signal) : undefined)
      if (here == null) note(found, cid, bytes != null)
      if (bytes == null) return undefined
      const { length } = bytes
      const isLast = isLeaf(cid)
      if (isLast) this.#leaves.release(bytes)
      found.blocks++
      found.bytes += length
      await pace(length)
      return isLast ? undefined : bytes
    }
    await this.#deps.local.walk(pin.cid, {
      depth: root.depth, get, getAgain: async cid => this.#good(cid), concurrency: readsAtOnce, ...(signal == null ? {} : { signal })
    })
    // unpinned meanwhile: what is gone isn't lost
    if (found.badCount > 0 && this.#deps.local.roots.get(pin.cid) == null) throw notHere(pin.cid)
    return found
  }

  async #good (cid: CID): Promise<Uint8Array | undefined> {
    const { blockstore } = this.#deps
    const memory = isLeaf(cid) ? { allocate: (size: number) => this.#leaves.allocate(size) } : {}
    const bytes = await blockstore.get(cid, { ...memory, isUnchecked: true, fromDisk: true, isUnhurried: true })
    if (bytes == null || await isContentOf(cid, bytes)) return bytes
    // the store shall learn of it, too
    const again = await blockstore.get(cid, { fromDisk: true })
    return again != null && await isContentOf(cid, again) ? again : undefined
  }

  /** Undefined when nobody has it, as soon as all have said so, or nobody sends it in time. */
  async #again (cid: CID, root: CID, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const { blockstore, fetcher, holders, clock, log } = this.#deps
    // wrong bytes would count as here
    await blockstore.delete([cid])
    const limit = deadline(clock, this.#init.requestTimeoutMs, () => new ClusterError('TIMEOUT', { cid: cid.toString() }), signal)
    try {
      return await fetcher.fetch(cid, {
        signal: limit.signal, first: await holders.connected(root, limit.signal), untilNobody: true,
        expected: async waiting => holders.allConnected(root, waiting)
      })
    } catch (err) {
      signal?.throwIfAborted()
      log.warn('a block that is missing or damaged could not be fetched from any peer', { cid: cid.toString(), err })
      return undefined
    } finally {
      limit.clear()
    }
  }

  async challenge (root: CID, { peer, addresses, walks, depth, signal }: ChallengeOptions): Promise<Challenge> {
    const { clock } = this.#deps
    const result: Challenge = { asked: 0, bytes: 0, failed: [] }
    const limit = deadline(clock, this.#init.requestTimeoutMs, () => new ClusterError('TIMEOUT', { peer }), signal)
    try {
      await this.#reach(peer, addresses, limit.signal)
      const top = await this.#asked(root, { peer, result, signal: limit.signal })
      if (top == null || depth === 0) return result
      const seen = new Map([[root.toString(), top]])
      for (let walk = 0; walk < walks; walk++) await this.#goDown(root, top, { peer, depth, seen, result, signal: limit.signal })
      return result
    } finally {
      limit.clear()
    }
  }

  async #reach (peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const { network, networkReady } = this.#deps
    await networkReady(signal)
    for (const address of addresses) {
      if (network.peers().includes(peer)) return
      await network.dial(address.includes('/p2p/') ? address : `${address}/p2p/${peer}`, { signal }).catch(() => signal.throwIfAborted())
    }
    if (!network.peers().includes(peer)) {
      throw new ClusterError('PEER_UNREACHABLE', { peer }, { message: `the IPFS node ${peer} can't be reached` })
    }
  }

  /** One random walk from a block down to a leaf. What was on another walk already isn't asked again. */
  async #goDown (
    root: CID, top: Uint8Array,
    { peer, depth, seen, result, signal }: {
      peer: PeerId, depth: number, seen: Map<string, Uint8Array>, result: Challenge, signal: AbortSignal
    }
  ): Promise<void> {
    let [cid, bytes] = [root, top]
    for (let level = 0; level < deepestWay && (depth < 0 || level < depth) && !isLeaf(cid); level++) {
      const links = linksOf({ cid, bytes }).filter(({ multihash }) => multihash.code !== identityHash)
      const next = links[Math.floor(this.#deps.random.float() * links.length)]
      if (next == null) return
      if (result.failed.some(one => one.equals(next))) return
      const known = seen.get(next.toString())
      const found = known ?? await this.#asked(next, { peer, result, signal })
      if (found == null) return
      if (!isLeaf(next)) seen.set(next.toString(), found)
      ;[cid, bytes] = [next, found]
    }
  }

  async #asked (cid: CID, { peer, result, signal }: {
    peer: PeerId, result: Challenge, signal: AbortSignal
  }): Promise<Uint8Array | undefined> {
    if (cid.multihash.code === identityHash) return cid.multihash.digest
    const limit = deadline(this.#deps.clock, answerMs, () => new ClusterError('TIMEOUT', { peer }), signal)
    result.asked++
    try {
      const bytes = await this.#answer(cid, peer, limit.signal)
      if (bytes != null && await isContentOf(cid, bytes)) {
        result.bytes += bytes.length
        return bytes
      }
    } catch {
      signal.throwIfAborted()
    } finally {
      limit.clear()
    }
    result.failed.push(cid)
    return undefined
  }

  /** Who is silent is asked again until the time is up; who lacks it, or couldn't be asked, once. */
  async #answer (cid: CID, peer: PeerId, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (let refusals = 0; ;) {
      const answer = await this.#deps.network.askOnly(cid, peer, { signal })
      if (typeof answer !== 'string') return answer
      if (answer === 'lacking' && ++refusals === 2) return undefined
      await this.#deps.clock.sleep(askAgainMs, signal)
    }
  }
}

const notHere = (cid: CID): ClusterError =>
  new ClusterError('NOT_FOUND', { cid: cid.toString() }, { message: 'the IPFS node has no such pin' })

function note (found: PinAudit, cid: CID, isRepaired: boolean): void {
  if (isRepaired) found.repaired++
  found.badCount++
  if (found.bad.length < mostBadNamed) found.bad.push(cid)
}
