import type { CID } from 'multiformats/cid'
import { bytesOf } from '../../blockstore/blockstore.ts'
import type { Allocate, Block, Blockstore, JoinedRead, SizedBlock } from '../../blockstore/blockstore.ts'
import { deadline, orAborted } from '../../base/clock.ts'
import type { Clock, Random } from '../../base/clock.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker, WorkerHandle } from '../../base/worker.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { IpfsId, RemovedKey } from '../../model/peer.ts'
import type { PinLimits } from '../../model/pin-limits.ts'
import type { Pin } from '../../model/pin.ts'
import type { Denial, Denylist } from '../denylist.ts'
import { refuseDeniedCid, refuseDeniedPath, refusingNames } from '../denylist.ts'
import type {
  BlockHold, CollectionOptions, FetchBlockOptions, GetBlockOptions, HoldOptions, IpfsConnector, IpfsOptions, IpfsPinStatus,
  PinContentOptions, PinnedView, PinProgress, RepoStat
} from '../ipfs.ts'
import { NodeAudit } from './pins/audit.ts'
import { blockRepair, checkCollectable } from './retrieval/block-repair.ts'
import { BlockFetcher } from './retrieval/block-fetcher.ts'
import { bootstrapWorker } from './network/bootstrap.ts'
import { isContentOf } from '../../hash/multihash.ts'
import { AllocatedNodes } from './retrieval/allocated-nodes.ts'
import { PrefetchedBlocks } from './retrieval/prefetched-blocks.ts'
import { Holds } from './pins/holds.ts'
import type { StoreOptions } from './pins/holds.ts'
import { LinklessBlocks } from './repository/linkless-blocks.ts'
import { localNode } from './local-node.ts'
import type { LocalNode } from './local-node.ts'
import { HeliaNode } from './network/node.ts'
import type { HeliaNetworkInit } from './network/node-options.ts'
import { KnownPeers } from './network/known-peers.ts'
import type { AllocatedPeers } from '../allocated-peers.ts'
import { noAllocatedPeers } from '../allocated-peers.ts'
import type { NamePublisher } from '../name-publisher.ts'
import { followName } from '../names.ts'
import type { NameResolver } from '../names.ts'
import type { KeyFiles } from './names/key-files.ts'
import { Names } from './names/names.ts'
import type { NamesInit } from './names/names.ts'
import type { NameRouting } from './names/routing.ts'
import type { TxtLookup } from './names/txt-lookup.ts'
import { parsePath, resolveError, resolveNames } from './unixfs/path-resolver.ts'
import { DagPinner } from './pins/pinner.ts'
import { Provider } from './network/provider.ts'
import type { ProvideWhat } from './network/provider.ts'

export interface HeliaInit extends HeliaNetworkInit {
  /** The repository's folder: its disk's room counts, and temporary files go below it. */
  folder: string
  /** What the repository may take on the disk. Bytes. */
  storageMaxBytes: number
  /** A pin fails when no block came for this long. Milliseconds. */
  pinTimeoutMs: number
  /** A single block that isn't here is waited for this long (get, resolve). Milliseconds. */
  requestTimeoutMs: number
  unpinDisable: boolean
  /** Blocks that one pin asks for at a time, 32 to 128. */
  fetchConcurrency: number
  /** Of every pin. Default: none. */
  pinLimits?: PinLimits
  provide: ProvideWhat
  reprovideIntervalMs: number
  names: NamesInit
}

export interface HeliaDeps {
  /** Started and stopped by who made it, around this connector; so is the data store. */
  blockstore: Blockstore
  /** For roots and recent blocks. */
  datastore: Datastore
  clock: Clock
  random: Random
  log: Logger
  workers: { add: (worker: Worker) => WorkerHandle }
  /** Loading libp2p keeps the thread busy: it begins when this resolves. Default: when whoever waits for the start has had its turn. */
  mayLoad?: Promise<void>
  /** What of it is given up doesn't count as room. Default: none. */
  reserve?: Pick<DiskReserve, 'lackBytes'>
  /** The other peers that the pinset allocates this pin to, with their IPFS nodes. Default: nothing is known. */
  allocatedPeersOf?: (root: CID) => AllocatedPeers
  /** Keys that names are published with. */
  nameKeys: KeyFiles
  /** Looks up DNSLink entries. Undefined: domains aren't looked up. */
  txt: TxtLookup | undefined
  /** What isn't fetched, given to other nodes, announced or pinned as a part of something. Default: nothing. */
  denylist?: Denylist
}

/** The embedded node as the rest of the peer uses it. */
export interface HeliaConnector extends IpfsConnector {
  /** Names of this node and of others. They can be asked from `start` on; what the DHT has comes when the network is up. */
  readonly names: NameResolver & NamePublisher
}

async function checkContents (blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    if (!await isContentOf(cid, bytes)) {
      throw new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message: `the block is not what its CID ${cid.toString()} says` })
    }
  }
}

/** More at a time would keep the wants of pins waiting; whoever reads asks for the rest when its turn comes. */
const mostPrefetches = 192
/** As far as a file is fetched ahead of its reader. */
const prefetched = { maxBytes: 16 * 2 ** 20, keepMs: 2000 }
const search = { searchAfterMs: 1000, retryMs: 30_000 }

/**
 * The embedded IPFS node. `start` resolves when local work is possible (blocks, pins of what is here, GC); libp2p and Helia are loaded
 * and started in the background, and `ready` tells when, or why not. What needs the network waits for it.
 */
export function heliaConnector (init: HeliaInit, deps: HeliaDeps): HeliaConnector {
  return new EmbeddedNode(init, deps)
}

class EmbeddedNode implements HeliaConnector {
  readonly name = 'ipfs'
  readonly abilities = { pinProgress: true }
  readonly #init: HeliaInit
  readonly #deps: HeliaDeps
  readonly #local: LocalNode
  readonly #network: HeliaNode
  readonly #up = Promise.withResolvers<void>()
  readonly #fetcher: BlockFetcher
  readonly #pinner: DagPinner
  readonly #provider: Provider
  readonly #holds: Holds
  readonly #holders: AllocatedNodes
  readonly #prefetchedBlocks: PrefetchedBlocks
  #prefetching = 0
  readonly #linkless = new LinklessBlocks()
  readonly names: Names
  readonly auditor: NodeAudit
  #peer: Promise<PeerId> | undefined
  #isStopped = false

  constructor (init: HeliaInit, deps: HeliaDeps) {
    const { blockstore, clock, log } = deps
    const networkReady = async (signal: AbortSignal): Promise<void> => orAborted(this.#up.promise, signal)
    this.#init = init
    this.#deps = deps
    this.#up.promise.catch(() => {})
    const refuse = (cid: CID): void => refuseDeniedCid(deps.denylist, cid)
    const local = this.#local = localNode(init, { ...deps, isHidden: cid => this.#isHidden(cid) })
    this.#holds = new Holds({
      protection: local.protection, store: async (blocks, options) => this.#store(blocks, options), sync: async () => blockstore.sync(),
      clock
    })
    const network = this.#network = new HeliaNode(init, {
      blockstore: local.interfaceBlockstore,
      blocks: async cid => this.#isHidden(cid) ? undefined : blockstore.get(cid),
      clock,
      log
    })
    this.#fetcher = new BlockFetcher(search, {
      blockstore, network, networkReady, ensureRoom: async bytes => local.space.ensureRoom(bytes), refuse, clock, log
    })
    this.#holders = new AllocatedNodes({
      allocatedPeersOf: deps.allocatedPeersOf ?? (() => noAllocatedPeers), network, networkReady, clock, log
    })
    this.#prefetchedBlocks = new PrefetchedBlocks(prefetched, { clock })
    this.#pinner = new DagPinner(init, {
      blockstore, roots: local.roots, protection: local.protection, walk: local.walk,
      isLeaf: cid => local.isLeaf(cid) || this.#linkless.has(cid), fetcher: this.#fetcher, network, networkReady, refuse, clock, log
    })
    this.#provider = new Provider(init, {
      roots: local.roots, allBlocks: local.allBlocks, walkLocal: local.walkLocal, isSecret: cid => this.#denialOf(cid) != null, network,
      networkReady, clock, log
    })
    this.auditor = new NodeAudit(init, {
      blockstore, local, fetcher: this.#fetcher, holders: this.#holders, network, networkReady, clock, random: deps.random, log
    })
    this.names = new Names(init.names, {
      self: init.privateKey, keyFiles: deps.nameKeys, datastore: deps.datastore, routing: routingOf(init, { network, networkReady }),
      txt: deps.txt, clock, log
    })
  }

  async start (signal: AbortSignal): Promise<void> {
    await this.#local.start(signal)
    const { mayLoad = yieldToEventLoop() } = this.#deps
    void mayLoad.then(async () => this.#network.start()).then(() => this.#networkIsUp(), err => this.#up.reject(err))
  }

  async stop (): Promise<void> {
    const reason = new ClusterError('NOT_READY', {}, { message: 'the IPFS node stops' })
    this.#isStopped = true
    this.#up.reject(reason)
    this.#pinner.stop(reason)
    this.#fetcher.stop(reason)
    await this.#network.stop()
    await this.#local.stop()
  }

  async ready (options: IpfsOptions = {}): Promise<void> {
    await (options.signal == null ? this.#up.promise : orAborted(this.#up.promise, options.signal))
  }

  async id (): Promise<IpfsId> {
    const id = await (this.#peer ??= peerOf(this.#init.privateKey)).catch(() => '')
    try {
      await this.#up.promise
      return { id, addresses: this.#network.addresses(), error: '' }
    } catch (err) {
      return { id, addresses: null, error: messageOf(err) }
    }
  }

  async pin (pin: Pin, options: PinContentOptions = {}): Promise<void> {
    const isNew = await this.#pinner.pin(pin, options)
    this.#holds.settled(pin.cid)
    if (isNew) this.#provider.add(pin.cid)
  }

  isWhole (pin: Pin): boolean { return this.#pinner.isWhole(pin) }

  async pinWhole (pins: readonly Pin[]): Promise<void> {
    await this.#pinner.pinWhole(pins)
    for (const { cid } of pins) {
      this.#holds.settled(cid)
      this.#provider.add(cid)
    }
  }

  isUnpinned (cid: CID): boolean { return !this.#init.unpinDisable && !this.#local.roots.mayHave(cid) && !this.#holds.isWaitedFor(cid) }

  async unpin (cid: CID, options: IpfsOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#holds.settled(cid)
    if (this.#init.unpinDisable) {
      throw new ClusterError(
        'PIN_REFUSED', { cid: cid.toString() }, { message: 'ipfs unpinning is disallowed by configuration on this peer' }
      )
    }
    await this.#local.roots.remove(cid)
  }

  async pinStatus (pin: Pin): Promise<IpfsPinStatus> { return this.#local.roots.statusOf(pin.cid) }

  /** Roots are looked up as they are asked for: cheaper than a snapshot, and never older. But texts are asked for by who lists them all. */
  async pinnedView (): Promise<PinnedView> {
    const { roots } = this.#local
    const cursor = roots.cursor()
    return {
      statusOf: cid => roots.statusOf(cid), statusesOf: async cids => roots.statusesOf(cids),
      statusesOfTexts: async cids => cursor.statusesOf(cids), close: async () => cursor.close()
    }
  }

  progress (cid: CID): PinProgress | undefined { return this.#pinner.progress(cid) }
  pinCount (): number { return this.#local.roots.count() }

  async * ownRoots (options: IpfsOptions = {}): AsyncGenerator<CID[]> {
    if (this.#init.unpinDisable) return
    for await (const roots of this.#local.roots.list(options)) yield roots.map(({ cid }) => cid)
  }

  hold (options?: HoldOptions): BlockHold { return this.#holds.hold(options) }
  holdCount (): number { return this.#holds.size }

  async putBlocks (blocks: AsyncIterable<Block[]>, options: IpfsOptions = {}): Promise<void> {
    const guard = this.#local.protection.guard()
    try {
      for await (const batch of blocks) {
        options.signal?.throwIfAborted()
        // an add has just made its blocks; those of other peers may be anything
        await checkContents(batch)
        await this.#store(batch, { ...options, guard, isUnpinned: true })
      }
    } finally {
      guard.release()
    }
  }

  async #store (blocks: readonly Block[], { guard, isUnpinned, sync = false, signal }: StoreOptions): Promise<void> {
    signal?.throwIfAborted()
    const cids = blocks.map(({ cid }) => cid)
    await guard.protect(cids)
    await this.#ensureRoom(blocks)
    await this.#deps.blockstore.put(blocks, signal == null ? { sync } : { sync, signal })
    if (isUnpinned) await this.#local.recent.note(cids)
    for (const { cid, bytes } of blocks) this.#linkless.note(cid, bytes)
    this.#network.announce(cids.filter(cid => this.#denialOf(cid) == null))
  }

  /** Which blocks are here already is asked only where it matters. */
  async #ensureRoom (blocks: readonly Block[]): Promise<void> {
    try {
      await this.#local.space.ensureRoom(bytesOf(blocks))
    } catch (err) {
      const added = blocks.filter(({ cid }) => !this.#deps.blockstore.has(cid))
      if (added.length === blocks.length) throw err
      await this.#local.space.ensureRoom(bytesOf(added))
    }
  }

  async getBlock (cid: CID, options: GetBlockOptions = {}): Promise<Uint8Array> {
    refuseDeniedCid(this.#deps.denylist, cid)
    return this.#block(cid, options)
  }

  async #block (cid: CID, { signal, local = false, allocate, root, untilNobody = false }: GetBlockOptions): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const here = this.#prefetchedBlocks.take(cid) ?? await this.#deps.blockstore.get(cid, allocate == null ? {} : { allocate })
    if (here != null) return here
    if (local) {
      throw new ClusterError('BLOCK_MISSING', { cid: cid.toString() }, { message: `block was not found locally: ${cid.toString()}` })
    }
    const { requestTimeoutMs } = this.#init
    const limit = deadline(
      this.#deps.clock, requestTimeoutMs,
      () => new ClusterError('TIMEOUT', { cid: cid.toString(), requestTimeoutMs }, { message: `no peer sent ${cid.toString()} in time` }),
      signal
    )
    try {
      return await this.#fetcher.fetch(cid, {
        signal: limit.signal,
        mayStayOut: true,
        first: await this.#holders.connected(root, limit.signal),
        untilNobody,
        expected: root == null ? undefined : async waiting => this.#holders.allConnected(root, waiting)
      })
    } finally {
      limit.clear()
    }
  }

  joined (blocks: readonly SizedBlock[], allocate?: Allocate): JoinedRead | undefined {
    return blocks.some(({ cid }) => this.#denialOf(cid) != null) ? undefined : this.#deps.blockstore.joined?.(blocks, allocate)
  }

  prefetch (cid: CID, { signal, root }: FetchBlockOptions): Promise<void> | undefined {
    if (this.#deps.blockstore.has(cid)) return undefined
    return this.#prefetching >= mostPrefetches ? Promise.resolve() : this.#prefetched(cid, signal ?? new AbortController().signal, root)
  }

  async #prefetched (cid: CID, signal: AbortSignal, root: CID | undefined): Promise<void> {
    this.#prefetching++
    try {
      this.#prefetchedBlocks.keep(cid, await this.#fetcher.fetch(cid, { signal, first: await this.#holders.connected(root, signal) }))
    } finally {
      this.#prefetching--
    }
  }

  async resolve (path: string, { signal, evenDenied = false }: IpfsOptions & { evenDenied?: boolean } = {}): Promise<CID> {
    const options = signal == null ? {} : { signal }
    try {
      const { value } = await followName(path, evenDenied ? this.names : refusingNames(this.names, this.#deps.denylist), options)
      if (!evenDenied) refuseDeniedPath(this.#deps.denylist, value)
      const { root, names } = parsePath(value)
      const placed = { ...options, root }
      return await resolveNames({ root, names }, async cid => evenDenied ? this.#block(cid, placed) : this.getBlock(cid, placed))
    } catch (err) {
      signal?.throwIfAborted()
      throw resolveError(path, err)
    }
  }

  async repoStat (): Promise<RepoStat> { return this.#local.space.stat() }
  repoGc (options: CollectionOptions = {}): AsyncIterable<RemovedKey> {
    checkCollectable(this.#deps.datastore)
    return this.#local.collector.collect(options)
  }

  protocols (): string[] { return this.#network.protocols() }

  async swarmPeers (options: IpfsOptions = {}): Promise<PeerId[]> {
    await this.ready(options)
    return this.#network.peers().toSorted()
  }

  async connect (addresses: readonly MultiaddrText[], options: IpfsOptions = {}): Promise<void> {
    await this.ready(options)
    const limit = deadline(this.#deps.clock, this.#init.requestTimeoutMs, () => new ClusterError('TIMEOUT'), options.signal)
    try {
      await Promise.all(addresses.map(async address => this.#network.dial(address, { signal: limit.signal })
        .catch(err => this.#deps.log.info('an IPFS peer can not be reached', { address, err }))))
      options.signal?.throwIfAborted()
    } finally {
      limit.clear()
    }
  }

  #denialOf (cid: CID): Denial | undefined {
    const { denylist } = this.#deps
    return denylist == null || denylist.count() === 0 ? undefined : denylist.checkCid(cid)
  }

  /** Asked for each block that another node wants. */
  #isHidden (cid: CID): boolean {
    const denial = this.#denialOf(cid)
    if (denial != null) this.#deps.denylist?.refused(denial)
    return denial != null
  }

  #networkIsUp (): void {
    if (this.#isStopped) return
    this.#deps.log.info('IPFS node listens', { addresses: this.#network.addresses() })
    this.#up.resolve()
    const { workers, random, blockstore, datastore, clock, log } = this.#deps
    workers.add(blockRepair(this.#init, {
      blockstore, datastore, local: this.#local, fetcher: this.#fetcher, holders: this.#holders, networkReady: async () => {}, clock, log
    }))
    workers.add(this.#network.reachability.worker())
    workers.add(this.names.republishing())
    const known = new KnownPeers(this.#deps)
    if (this.#init.bootstrap.length > 0) {
      workers.add(bootstrapWorker(this.#init.bootstrap, { network: this.#network, known, random, log: this.#deps.log }))
    }
    if (!this.#provider.isOn) return
    const worker = workers.add(this.#provider.worker())
    this.#provider.onWake(() => worker.wake())
  }
}

/** The DHT, as soon as the network is up. */
function routingOf (
  { dht }: HeliaInit, { network, networkReady }: { network: HeliaNode, networkReady: (signal: AbortSignal) => Promise<void> }
): NameRouting {
  return {
    isOn: dht !== 'off',
    async * values (key, options) {
      await networkReady(options.signal)
      yield * network.values(key, options)
    },
    async put (key, value, options) {
      await networkReady(options.signal)
      return network.putValue(key, value, options)
    }
  }
}

async function peerOf (privateKey: Uint8Array): Promise<PeerId> {
  const [{ privateKeyFromProtobuf }, { peerIdFromPrivateKey }] = await Promise.all(
    [import('@libp2p/crypto/keys'), import('@libp2p/peer-id')]
  )
  return peerIdFromPrivateKey(privateKeyFromProtobuf(privateKey)).toString()
}
