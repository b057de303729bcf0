import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import { dagPbCodec } from '../../../model/multicodec.ts'

/** Data is field 1 and comes behind the links: a block that begins with it has none. */
const dataTag = 0x0a

/**
 * The dag-pb blocks without links that were put last, so that the pin of an add doesn't read all of a file again just to find that its
 * leaves are leaves. At most `maxBlocks`, about 100 bytes each, oldest out first: who isn't found here is read.
 */
export class LinklessBlocks {
  readonly #maxBlocks: number
  readonly #keys = new Set<string>()
  /** Goes on behind those that are gone: V8 keeps holes for them, which each new iteration would pass over one by one. */
  readonly #oldest = this.#keys.keys()

  /** Default: the leaves of 4 GiB. */
  constructor (maxBlocks = 16_384) { this.#maxBlocks = maxBlocks }

  note (cid: CID, bytes: Uint8Array): void {
    if (cid.code !== dagPbCodec || (bytes.length > 0 && bytes[0] !== dataTag)) return
    this.#keys.add(hashKey(cid))
    if (this.#keys.size <= this.#maxBlocks) return
    const { value } = this.#oldest.next()
    if (value != null) this.#keys.delete(value)
  }

  has (cid: CID): boolean { return cid.code === dagPbCodec && this.#keys.has(hashKey(cid)) }
}
