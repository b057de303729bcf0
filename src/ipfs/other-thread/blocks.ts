import type { CID } from 'multiformats/cid'
import type { PortCalls } from '../../base/port-calls.ts'
import type { Allocate, BlockPlace, JoinedRead, PlacedReader, SizedBlock } from '../../blockstore/blockstore.ts'
import { identityBytes } from '../../blockstore/identity.ts'
import type { FetchBlockOptions, GetBlockOptions, IpfsConnector } from '../ipfs.ts'
import type { GetBlockCall, PrefetchCall } from './calls.ts'
import type { Places } from './places.ts'

export interface ThreadBlocksDeps { calls: Pick<PortCalls, 'call'>, places: Places, reader: PlacedReader }

/**
 * The blocks of an IPFS node that is in another thread. What is on the disk is read here, at the place that the node told; everything else
 * (what is elsewhere, denied or damaged) is the node's to answer.
 */
export class ThreadBlocks implements Pick<IpfsConnector, 'getBlock' | 'joined' | 'prefetch'> {
  readonly #deps: ThreadBlocksDeps

  constructor (deps: ThreadBlocksDeps) { this.#deps = deps }

  async getBlock (cid: CID, options: GetBlockOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted()
    const here = identityBytes(cid) ?? await this.#read(cid, options)
    if (here != null) return here
    const { root, local = false, untilNobody = false, signal } = options
    const call: GetBlockCall = { cid: cid.toString(), root: root?.toString(), local, untilNobody }
    return this.#deps.calls.call('getBlock', call, { signal })
  }

  joined (blocks: readonly SizedBlock[], allocate?: Allocate): JoinedRead | undefined {
    return this.#deps.reader.joined(this.#placed(blocks), allocate)
  }

  prefetch (cid: CID, options: FetchBlockOptions): Promise<void> | undefined {
    return this.#deps.places.known(cid) == null ? this.#fetched(cid, options) : undefined
  }

  /** As far as their places are known, and as long as is said. */
  * #placed (blocks: readonly SizedBlock[]): Generator<{ place: BlockPlace, multihash: Uint8Array }> {
    for (const { cid, sizeBytes } of blocks) {
      const place = this.#deps.places.known(cid)
      if (place?.length !== sizeBytes) return
      yield { place, multihash: cid.multihash.bytes }
    }
  }

  async #fetched (cid: CID, { root, signal }: FetchBlockOptions): Promise<void> {
    if (identityBytes(cid) != null || await this.#deps.places.find(cid) != null) return
    signal?.throwIfAborted()
    const call: PrefetchCall = { cid: cid.toString(), root: root?.toString() }
    await this.#deps.calls.call('prefetch', call, { signal })
  }

  /** A place may be wrong once, because its block has moved; the node says where it is now. */
  async #read (cid: CID, { allocate }: GetBlockOptions): Promise<Uint8Array | undefined> {
    const { places, reader } = this.#deps
    for (let tries = 0; tries < 2; tries++) {
      const place = places.known(cid) ?? await places.find(cid)
      if (place == null) return undefined
      const bytes = await reader.read(place, cid.multihash.bytes, allocate)
      if (bytes != null) return bytes
      places.drop(cid)
    }
    return undefined
  }
}
