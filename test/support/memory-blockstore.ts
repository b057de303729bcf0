import type { CID } from 'multiformats/cid'
import type { Block, Blockstore, BlockstoreOptions } from '../../src/blockstore/blockstore.ts'
import { identityBytes, isIdentity } from '../../src/blockstore/identity.ts'
import { mapKey } from '../../src/blockstore/map-key.ts'
import { OpenGate } from '../../src/blockstore/open-gate.ts'

/** Blocks in memory: for tests and small tools. What is put stays there from `stop` to the next `start`. */
export function memoryBlockstore (): Blockstore { return new MemoryBlockstore() }

const batchSize = 1000

class MemoryBlockstore implements Blockstore {
  readonly name = 'blockstore'
  readonly #gate = new OpenGate('the block store')
  readonly #blocks = new Map<string, Uint8Array>()
  #bytes = 0

  async start (): Promise<void> { this.#gate.open() }
  async stop (): Promise<void> { await this.#gate.close() }
  async sync (): Promise<void> { this.#gate.check() }

  async put (blocks: readonly Block[], options: BlockstoreOptions = {}): Promise<void> {
    this.#gate.check()
    options.signal?.throwIfAborted()
    for (const { cid, bytes } of blocks) {
      const key = mapKey(cid.multihash.bytes)
      if (isIdentity(cid) || this.#blocks.has(key)) continue
      this.#blocks.set(key, new Uint8Array(bytes))
      this.#bytes += bytes.length
    }
  }

  async get (cid: CID, options: BlockstoreOptions = {}): Promise<Uint8Array | undefined> {
    this.#gate.check()
    options.signal?.throwIfAborted()
    const bytes = identityBytes(cid) ?? this.#blocks.get(mapKey(cid.multihash.bytes))
    return bytes == null ? undefined : new Uint8Array(bytes)
  }

  has (cid: CID): boolean { return this.sizeOf(cid) != null }

  sizeOf (cid: CID): number | undefined {
    this.#gate.check()
    return (identityBytes(cid) ?? this.#blocks.get(mapKey(cid.multihash.bytes)))?.length
  }

  async delete (cids: readonly CID[], options: BlockstoreOptions = {}): Promise<void> {
    this.#gate.check()
    options.signal?.throwIfAborted()
    for (const cid of cids) {
      const key = mapKey(cid.multihash.bytes)
      this.#bytes -= this.#blocks.get(key)?.length ?? 0
      this.#blocks.delete(key)
    }
  }

  async * multihashes (options: BlockstoreOptions = {}): AsyncGenerator<Uint8Array[]> {
    this.#gate.check()
    const keys = [...this.#blocks.keys()]
    for (let at = 0; at < keys.length; at += batchSize) {
      options.signal?.throwIfAborted()
      yield keys.slice(at, at + batchSize).map(fromMapKey)
    }
  }

  sizeBytes (): number {
    this.#gate.check()
    return this.#bytes
  }
}

/** The multihash of a key that `mapKey` made. */
const fromMapKey = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'))
