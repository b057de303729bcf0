import { CID } from 'multiformats/cid'
import type { Block } from '../../src/blockstore/blockstore.ts'
import type { Clock } from '../../src/base/clock.ts'
import { ClusterError, messageOf } from '../../src/base/errors.ts'
import type {
  BlockHold, CollectionOptions, HoldOptions, IpfsConnector, IpfsOptions, IpfsPinStatus, PinnedView, PinProgress, RepoStat
} from '../../src/ipfs/ipfs.ts'
import { needsPin } from '../../src/ipfs/helia/pins/pinner.ts'
import { isLeaf, linksOf } from '../../src/ipfs/helia/links/links.ts'
import { parsePath, resolveError, resolveNames } from '../../src/ipfs/helia/unixfs/path-resolver.ts'
import { isContentOf } from '../../src/hash/multihash.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { IpfsId, RemovedKey } from '../../src/model/peer.ts'
import type { Pin } from '../../src/model/pin.ts'

export interface FakeIpfsInit {
  peer?: PeerId
  storageMaxBytes?: number
  pinTimeoutMs?: number
  unpinDisable?: boolean
  /** What becomes of blocks that aren't here: the network has them all (default; they aren't stored), or nobody has them. */
  elsewhere?: 'everything' | 'nothing'
}

/** What goes wrong with a CID. `afterMs`: it takes that long first. `never`: it takes until pin_timeout or the signal. */
export interface FakeFault { error?: Error, afterMs?: number, never?: boolean }

/** What is kept for one add. */
interface FakeHold extends BlockHold { isUnpinned: boolean, blocks: Set<string>, roots: Set<string>, isHandedOver: boolean }

const keepMs = 3_600_000
const key = (cid: CID): string => Buffer.from(cid.multihash.bytes).toString('latin1')

/** An IPFS node in memory that keeps the contract and does what a test tells it to. Deterministic under a simulated clock. */
export class FakeIpfs implements IpfsConnector {
  readonly name = 'ipfs'
  readonly abilities = { pinProgress: true }
  readonly #init: Required<FakeIpfsInit>
  readonly #clock: Clock
  readonly #blocks = new Map<string, { bytes: Uint8Array, since: number, cid: CID }>()
  readonly #roots = new Map<string, { cid: CID, depth: number }>()
  readonly #holds = new Set<FakeHold>()
  readonly #faults = new Map<string, FakeFault>()
  readonly #progress = new Map<string, PinProgress>()
  /** Every call of `pin` and `unpin`, in order. */
  readonly calls: string[] = []
  /** When set, every call fails with it, `id` tells it. */
  down: Error | undefined

  constructor (init: FakeIpfsInit, deps: { clock: Clock }) {
    this.#init = {
      peer: '12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA', storageMaxBytes: 1e9, pinTimeoutMs: 60_000, unpinDisable: false,
      elsewhere: 'everything', ...init
    }
    this.#clock = deps.clock
  }

  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  /** From now on `pin` of this CID meets the fault; undefined takes it away. */
  setFault (cid: CID, fault: FakeFault | undefined): void {
    if (fault == null) this.#faults.delete(cid.toString())
    else this.#faults.set(cid.toString(), fault)
  }

  async id (): Promise<IpfsId> {
    if (this.down != null) return { id: '', addresses: null, error: messageOf(this.down) }
    return { id: this.#init.peer, addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${this.#init.peer}`], error: '' }
  }

  async ready (options: IpfsOptions = {}): Promise<void> { this.#check(options) }

  async pin (pin: Pin, options: IpfsOptions = {}): Promise<void> {
    this.#check(options)
    this.calls.push(`pin ${pin.cid.toString()}`)
    const text = pin.cid.toString()
    if (!needsPin(this.#roots.get(text), pin.cid, pin.maxDepth)) return
    const startedAt = this.#clock.now()
    const progress: PinProgress = {
      phase: 'fetching', blocks: 0, bytes: 0, fetchedBlocks: 0, fetchedBytes: 0, wantedBlock: pin.cid, wantedSince: startedAt,
      peersAsked: [], nextTryAt: null, startedAt
    }
    this.#progress.set(text, progress)
    await this.#meetFault(pin, options)
    const missing = this.#missing(pin.cid, pin.maxDepth, progress)
    if (missing != null && this.#init.elsewhere === 'nothing') {
      progress.wantedBlock = missing
      await this.#waitInVain(pin, options)
    }
    this.#progress.delete(text)
    this.#roots.set(text, { cid: pin.cid, depth: pin.maxDepth })
    this.#settle(pin.cid)
  }

  async unpin (cid: CID, options: IpfsOptions = {}): Promise<void> {
    this.#check(options)
    this.calls.push(`unpin ${cid.toString()}`)
    this.#settle(cid)
    if (this.#init.unpinDisable) {
      throw new ClusterError('PIN_REFUSED', {}, { message: 'ipfs unpinning is disallowed by configuration on this peer' })
    }
    this.#roots.delete(cid.toString())
  }

  async pinStatus (pin: Pin, options: IpfsOptions = {}): Promise<IpfsPinStatus> {
    this.#check(options)
    return this.#statusOf(pin.cid)
  }

  async pinnedView (options: IpfsOptions = {}): Promise<PinnedView> {
    this.#check(options)
    const statuses = new Map([...this.#roots].map(([text, { cid }]) => [text, this.#statusOf(cid)]))
    return { statusOf: cid => statuses.get(cid.toString()) ?? 'unpinned', close: async () => {} }
  }

  progress (cid: CID): PinProgress | undefined { return this.#progress.get(cid.toString()) }
  pinCount (): number { return this.#roots.size }

  async * ownRoots (options: IpfsOptions = {}): AsyncGenerator<CID[]> {
    this.#check(options)
    if (!this.#init.unpinDisable) yield Array.from(this.#roots.values(), ({ cid }) => cid)
  }

  hold ({ isUnpinned = false }: HoldOptions = {}): FakeHold {
    const held: FakeHold = {
      isUnpinned,
      blocks: new Set(),
      roots: new Set(),
      isHandedOver: false,
      put: async (blocks, options) => this.#put(blocks, options, held),
      keepUntilPinned: async root => { held.roots.add(key(root)) },
      handOver: roots => {
        held.roots = new Set(roots.map(key).filter(root => held.roots.has(root)))
        held.isHandedOver = true
        if (held.roots.size === 0) held.release()
      },
      release: () => { this.#holds.delete(held) },
      [Symbol.dispose]: () => { if (!held.isHandedOver) held.release() }
    }
    this.#holds.add(held)
    return held
  }

  holdCount (): number { return this.#holds.size }

  async putBlocks (blocks: AsyncIterable<Block[]>, options: IpfsOptions = {}): Promise<void> {
    for await (const batch of blocks) await this.#put(batch, options)
  }

  async #put (blocks: readonly Block[], options: IpfsOptions = {}, held?: FakeHold): Promise<void> {
    this.#check(options)
    const fresh = blocks.filter(({ cid }) => !this.#blocks.has(key(cid)))
    if (this.#size() + fresh.reduce((sum, { bytes }) => sum + bytes.length, 0) > this.#init.storageMaxBytes) {
      throw new ClusterError('STORAGE_FULL')
    }
    for (const { cid, bytes } of blocks) {
      if (held == null && !await isContentOf(cid, bytes)) throw new ClusterError('INVALID_DATA', { cid: cid.toString() })
      held?.blocks.add(key(cid))
      this.#blocks.set(key(cid), {
        cid,
        bytes: new Uint8Array(bytes),
        since: held?.isUnpinned ?? true ? this.#clock.now() : this.#blocks.get(key(cid))?.since ?? -Infinity
      })
    }
  }

  async getBlock (cid: CID, options: IpfsOptions & { local?: boolean } = {}): Promise<Uint8Array> {
    this.#check(options)
    if (cid.multihash.code === 0) return cid.multihash.digest
    const here = this.#blocks.get(key(cid))?.bytes
    if (here != null) return here.slice()
    if (options.local === true) throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() })
    return this.#waitInVain({ cid }, options)
  }

  async resolve (path: string, options: IpfsOptions = {}): Promise<CID> {
    this.#check(options)
    try {
      return await resolveNames(parsePath(path), async cid => this.getBlock(cid, options))
    } catch (err) {
      options.signal?.throwIfAborted()
      throw resolveError(path, err)
    }
  }

  async repoStat (options: IpfsOptions = {}): Promise<RepoStat> {
    this.#check(options)
    const { storageMaxBytes: storageMax } = this.#init
    return { repoSize: this.#size(), storageMax, freeBytes: Math.max(0, storageMax - this.#size()) }
  }

  async * repoGc (options: CollectionOptions = {}): AsyncGenerator<RemovedKey> {
    this.#check(options)
    const kept = new Set<string>()
    for (const { blocks } of this.#holds) for (const hash of blocks) kept.add(hash)
    for await (const pins of options.wanted?.() ?? []) for (const pin of pins) this.#keepIfWhole(pin, kept)
    for (const { cid, depth } of this.#roots.values()) this.#visit(cid, depth, found => kept.add(key(found)))
    for (const [hash, { cid, since }] of this.#blocks) {
      if (kept.has(hash) || this.#clock.now() - since < keepMs) continue
      this.#blocks.delete(hash)
      yield { key: CID.createV1(0x55, cid.multihash), error: '' }
    }
  }

  async swarmPeers (options: IpfsOptions = {}): Promise<PeerId[]> {
    this.#check(options)
    return []
  }

  async connect (_addresses: readonly string[], options: IpfsOptions = {}): Promise<void> { this.#check(options) }

  #settle (root: CID): void {
    for (const held of this.#holds) if (held.roots.delete(key(root)) && held.isHandedOver && held.roots.size === 0) held.release()
  }

  #check ({ signal }: IpfsOptions): void {
    signal?.throwIfAborted()
    if (this.down != null) throw this.down
  }

  async #meetFault (pin: Pin, options: IpfsOptions): Promise<void> {
    const fault = this.#faults.get(pin.cid.toString())
    if (fault?.never === true) await this.#waitInVain(pin, options)
    if (fault?.afterMs != null) await this.#clock.sleep(fault.afterMs, options.signal)
    if (fault?.error != null) throw fault.error
  }

  async #waitInVain ({ cid }: { cid: CID }, { signal }: IpfsOptions): Promise<never> {
    await this.#clock.sleep(this.#init.pinTimeoutMs, signal)
    throw new ClusterError('TIMEOUT', { cid: cid.toString() })
  }

  /** Counts what is here; the first block that isn't. */
  #missing (root: CID, depth: number, progress: PinProgress): CID | undefined {
    let missing: CID | undefined
    this.#visit(root, depth, (cid, bytes) => {
      if (bytes == null) missing ??= cid
      else {
        progress.blocks++
        progress.bytes += bytes.length
      }
    })
    return missing
  }

  #visit (cid: CID, depth: number, see: (cid: CID, bytes: Uint8Array | undefined) => void): void {
    const bytes = cid.multihash.code === 0 ? cid.multihash.digest : this.#blocks.get(key(cid))?.bytes
    see(cid, bytes)
    if (bytes == null || depth === 0 || isLeaf(cid)) return
    for (const link of linksOf({ cid, bytes })) this.#visit(link, depth - 1, see)
  }

  #keepIfWhole ({ cid, maxDepth }: Pin, kept: Set<string>): void {
    const all = new Map<string, boolean>()
    this.#visit(cid, maxDepth, (found, bytes) => all.set(key(found), bytes != null))
    if ([...all.values()].every(Boolean)) for (const found of all.keys()) kept.add(found)
  }

  #statusOf (cid: CID): IpfsPinStatus {
    const root = this.#roots.get(cid.toString())
    return root == null ? 'unpinned' : root.depth === 0 ? 'direct' : 'recursive'
  }

  #size (): number {
    let sum = 0
    for (const { bytes } of this.#blocks.values()) sum += bytes.length
    return sum
  }
}
