import type { Block } from '../../../src/blockstore/blockstore.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import type { BlockHold, CollectionOptions, IpfsConnector } from '../../../src/ipfs/ipfs.ts'
import type { CID, PeerId } from '../../../src/model/cid.ts'
import { parseCid } from '../../../src/model/cid.ts'
import type { RemovedKey } from '../../../src/model/peer.ts'

/** An IPFS node in memory. Content is never fetched: pinning what isn't here just works, unless the CID is in `broken`. */
export class MemoryIpfs implements IpfsConnector {
  readonly name = 'ipfs'
  readonly abilities = { pinProgress: false }
  readonly blocks = new Map<string, Block>()
  readonly roots = new Map<string, 'recursive' | 'direct'>()
  /** CIDs that can't be pinned. */
  readonly broken = new Set<string>()
  /** What paths with more than a CID lead to. */
  readonly paths = new Map<string, CID>()
  readonly dialled: string[] = []
  /** When set, every call that stores fails with it. */
  storageFault: Error | undefined
  /** When set, the node doesn't answer. */
  down: Error | undefined
  putCalls = 0
  largestBatchBytes = 0
  swarm: PeerId[] = []
  /** Dials reach nobody. */
  cutOff = false
  removable: RemovedKey[] = []
  /** What collections were told to keep. */
  readonly wanted: string[] = []
  readonly #id: PeerId
  readonly #holds = new Set<{ waiting: Set<string>, isHandedOver: boolean }>()

  constructor (id: PeerId) { this.#id = id }

  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  async id (): ReturnType<IpfsConnector['id']> {
    if (this.down != null) return { id: '', addresses: null, error: this.down.message }
    return { id: this.#id, addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${this.#id}`], error: '' }
  }

  async ready (): Promise<void> { this.#answer() }

  async pin (pin: { cid: CID, maxDepth: number }): Promise<void> {
    this.#answer()
    if (this.broken.has(pin.cid.toString())) throw new ClusterError('IPFS_ERROR', {}, { message: 'the content is broken' })
    this.roots.set(pin.cid.toString(), pin.maxDepth === 0 ? 'direct' : 'recursive')
    this.#settle(pin.cid)
  }

  async unpin (cid: CID): Promise<void> {
    this.roots.delete(cid.toString())
    this.#settle(cid)
  }

  async pinStatus ({ cid }: { cid: CID }): ReturnType<IpfsConnector['pinStatus']> {
    this.#answer()
    return this.roots.get(cid.toString()) ?? 'unpinned'
  }

  async pinnedView (): ReturnType<IpfsConnector['pinnedView']> {
    this.#answer()
    return { statusOf: cid => this.roots.get(cid.toString()) ?? 'unpinned', close: async () => {} }
  }

  progress (): undefined { return undefined }
  pinCount (): number { return this.roots.size }
  async * ownRoots (): AsyncGenerator<CID[]> { yield Array.from(this.roots.keys(), parseCid) }

  hold (): BlockHold {
    const held = { waiting: new Set<string>(), isHandedOver: false }
    const release = (): void => { this.#holds.delete(held) }
    this.#holds.add(held)
    return {
      put: async blocks => this.putBlocks(only(blocks)),
      keepUntilPinned: async root => { held.waiting.add(root.toString()) },
      handOver: roots => {
        held.waiting = new Set(roots.map(String).filter(root => held.waiting.has(root)))
        held.isHandedOver = true
        if (held.waiting.size === 0) release()
      },
      release,
      [Symbol.dispose]: () => { if (!held.isHandedOver) release() }
    }
  }

  holdCount (): number { return this.#holds.size }

  async putBlocks (batches: AsyncIterable<readonly Block[]>): Promise<void> {
    this.putCalls++
    if (this.storageFault != null) throw this.storageFault
    for await (const batch of batches) {
      if (this.storageFault != null) throw this.storageFault
      for (const { cid, bytes } of batch) this.blocks.set(cid.toString(), { cid, bytes: new Uint8Array(bytes) })
      this.largestBatchBytes = Math.max(this.largestBatchBytes, batch.reduce((sum, { bytes }) => sum + bytes.length, 0))
    }
  }

  async getBlock (cid: CID): Promise<Uint8Array> {
    const block = this.blocks.get(cid.toString())
    if (block == null) throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() })
    return block.bytes
  }

  async resolve (path: string): Promise<CID> {
    const known = this.paths.get(path)
    if (known != null) return known
    const [, , root = '', ...rest] = path.split('/')
    if (rest.length > 0) {
      throw new ClusterError('IPFS_ERROR', { path }, { message: `no link named ${JSON.stringify(rest[0])} under ${root}` })
    }
    return parseCid(root)
  }

  async repoStat (): ReturnType<IpfsConnector['repoStat']> {
    this.#answer()
    return { repoSize: 5, storageMax: 10e9, freeBytes: 10e9 }
  }

  async * repoGc ({ wanted }: CollectionOptions = {}): AsyncGenerator<RemovedKey> {
    this.#answer()
    for await (const pins of wanted?.() ?? []) this.wanted.push(...pins.map(({ cid }) => cid.toString()))
    yield * this.removable
  }

  async swarmPeers (): Promise<PeerId[]> { return this.swarm }
  async connect (addresses: readonly string[]): Promise<void> {
    this.dialled.push(...addresses)
    if (this.cutOff) return
    for (const address of addresses) this.swarm = [...new Set([...this.swarm, address.split('/p2p/')[1] ?? ''])]
  }

  #settle (root: CID): void {
    for (const held of this.#holds) {
      if (held.waiting.delete(root.toString()) && held.isHandedOver && held.waiting.size === 0) this.#holds.delete(held)
    }
  }

  #answer (): void { if (this.down != null) throw this.down }
}

async function * only (blocks: readonly Block[]): AsyncGenerator<readonly Block[]> { yield blocks }
