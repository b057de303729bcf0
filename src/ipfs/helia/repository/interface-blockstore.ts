import type { Blockstore as InterfaceBlockstore, InputPair, Pair } from 'interface-blockstore'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import type { Blockstore, BlockstoreOptions } from '../../../blockstore/blockstore.ts'
import { rawCodec } from '../../../model/multicodec.ts'

/** Blocks that go to the store together in `putMany`. */
const blocksPerPut = 64

/** What interface-store throws for a block that isn't there; callers look at the name. */
class NotFoundError extends Error {
  static override name = 'NotFoundError'
  override name = 'NotFoundError'
}

/**
 * Our store in the shape that Helia, bitswap and the importer of the IPFS libraries want. Start and stop stay with the owner. What is
 * hidden isn't here, for who asks for it by its CID.
 */
export function interfaceBlockstore (
  store: Blockstore, isHidden: (cid: CID) => boolean = () => false
): InterfaceBlockstore { return new Adapter(store, isHidden) }

class Adapter implements InterfaceBlockstore {
  readonly #store: Blockstore

  readonly #isHidden: (cid: CID) => boolean

  constructor (store: Blockstore, isHidden: (cid: CID) => boolean) {
    this.#store = store
    this.#isHidden = isHidden
  }

  has (cid: CID): boolean { return this.#store.has(cid) && !this.#isHidden(cid) }

  async put (cid: CID, bytes: InputPair['bytes'], options?: BlockstoreOptions): Promise<CID> {
    await this.#store.put([{ cid, bytes: await joined(bytes) }], options)
    return cid
  }

  async * putMany (source: Iterable<InputPair> | AsyncIterable<InputPair>, options?: BlockstoreOptions): AsyncGenerator<CID> {
    let blocks: Array<{ cid: CID, bytes: Uint8Array }> = []
    for await (const { cid, bytes } of source) {
      blocks.push({ cid, bytes: await joined(bytes) })
      if (blocks.length < blocksPerPut) continue
      await this.#store.put(blocks, options)
      for (const block of blocks) yield block.cid
      blocks = []
    }
    await this.#store.put(blocks, options)
    for (const block of blocks) yield block.cid
  }

  async * get (cid: CID, options?: BlockstoreOptions): AsyncGenerator<Uint8Array> {
    const bytes = this.#isHidden(cid) ? undefined : await this.#store.get(cid, options)
    if (bytes == null) throw new NotFoundError(`block ${cid.toString()} is not here`)
    yield bytes
  }

  async * getMany (source: Iterable<CID> | AsyncIterable<CID>, options?: BlockstoreOptions): AsyncGenerator<Pair> {
    for await (const cid of source) yield { cid, bytes: this.get(cid, options) }
  }

  async delete (cid: CID, options?: BlockstoreOptions): Promise<void> { await this.#store.delete([cid], options) }

  async * deleteMany (source: Iterable<CID> | AsyncIterable<CID>, options?: BlockstoreOptions): AsyncGenerator<CID> {
    for await (const cid of source) {
      await this.#store.delete([cid], options)
      yield cid
    }
  }

  /** v1 raw CIDs: the store knows multihashes only. */
  async * getAll (options?: BlockstoreOptions): AsyncGenerator<Pair> {
    for await (const multihashes of this.#store.multihashes(options)) {
      for (const multihash of multihashes) {
        const cid = CID.createV1(rawCodec, Digest.decode(multihash))
        // Deleted meanwhile.
        if (this.#store.has(cid)) yield { cid, bytes: this.get(cid, options) }
      }
    }
  }
}

async function joined (bytes: InputPair['bytes']): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return parts.length === 1 && parts[0] != null ? parts[0] : Buffer.concat(parts)
}
