import type { CID } from 'multiformats/cid'
import type { Allocate, Block, BlockReadOptions, JoinedRead, SizedBlock } from '../blockstore/blockstore.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { MultiaddrText, PeerId } from '../model/cid.ts'
import type { Auditor } from './audit.ts'
import type { IpfsId, RemovedKey } from '../model/peer.ts'
import type { Pin } from '../model/pin.ts'

/**
 * The text of the TIMEOUT of a pin: clients of Go's peers know it as the error of a stuck pin (ipfsconn/ipfshttp). What was waited for is
 * in the error's facts and stays in `progress`.
 */
export const pinTimeoutText = 'context canceled'

/** What an IPFS node says of a CID. */
export type IpfsPinStatus = 'recursive' | 'direct' | 'indirect' | 'unpinned'

export interface IpfsOptions { signal?: AbortSignal }

export interface PinContentOptions extends IpfsOptions {
  /**
   * Called, once at most, when all of the content is here and only its root is left to be written. A node that doesn't know doesn't call.
   */
  onWhole?: () => void
  /**
   * Called with the size of each block that came from the network; the pin goes on when what it returns resolves. It rejects when the
   * signal aborts. A node that doesn't fetch itself doesn't call.
   */
  onFetched?: (bytes: number, signal: AbortSignal) => Promise<void> | undefined
}

/**
 * `root`: the pin, or what may be one, that the block is below. The peers of the cluster that the pinset allocates it to are asked before
 * all others.
 */
export interface FetchBlockOptions extends IpfsOptions { root?: CID }

export interface GetBlockOptions extends BlockReadOptions, FetchBlockOptions {
  local?: boolean
  /**
   * Whether to reject with NO_PROVIDER as soon as all who could be asked have said that they don't have it. Default: wait for who may come.
   */
  untilNobody?: boolean
}

/**
 * `no_peers`: a block is wanted, no other node is connected and a search has found none. `no_providers`: those that are connected lack it,
 * or say nothing of it for long, and a search has found nobody else. Both go on by themselves when that changes.
 */
export type PinPhase = 'connecting' | 'fetching' | 'no_peers' | 'no_providers' | 'storing' | 'done'

/** How far a running pin is: "why is it stuck". Times are Unix milliseconds. */
export interface PinProgress {
  phase: PinPhase
  /** Blocks and bytes of the DAG seen so far, those already here included. */
  blocks: number
  bytes: number
  /** Blocks and bytes that came from the network. */
  fetchedBlocks: number
  fetchedBytes: number
  /** A block that is waited for now, and since when. */
  wantedBlock: CID | null
  wantedSince: number | null
  peersAsked: PeerId[]
  /** When the search for providers is repeated. */
  nextTryAt: number | null
  startedAt: number
}

/** Bytes used and allowed, as Kubo's repo/stat. `freeBytes` is the lesser of what storage_max and the disk leave. */
export interface RepoStat { repoSize: number, storageMax: number, freeBytes: number }

/**
 * Keeps the blocks of one add from being collected until its roots are pinned: `using hold = ipfs.hold()`. What leaves the block lets go,
 * unless it was handed over. Without effect on an external node, which knows nothing like it.
 */
export interface BlockHold extends Disposable {
  /**
   * Stores blocks that the add has made or checked: they aren't checked against their CIDs. Safe from `repoGc` from the call on. `sync`:
   * resolves when they survive a power loss; worth it for what is one small batch, where it takes no sync of its own. Without effect on an
   * external node. When it has resolved nobody reads the memory of the blocks any more.
   */
  put (blocks: readonly Block[], options?: HoldPutOptions): Promise<void>
  /** To be called for each root before it is pinned. Resolves when the blocks survive a power loss. */
  keepUntilPinned (root: CID): Promise<void>
  /**
   * The pinset has the roots. Blocks stay, also when this is disposed of, until each of these was pinned or unpinned here, an hour at most.
   * Those that are for other peers only are left out: nobody would wait for them but in vain.
   */
  handOver (roots: readonly CID[]): void
  /** The blocks may be collected. Idempotent. */
  release (): void
}

export interface HoldOptions {
  /** Nobody is about to pin what is put: each block stays for an hour from when it was put, as one without a hold does. */
  isUnpinned?: boolean
}

export interface HoldPutOptions extends IpfsOptions { sync?: boolean }

export interface CollectionOptions extends IpfsOptions {
  /**
   * Pins that the node shall have, in batches: what is whole here of them is kept as if they had their roots. A pin waits in a queue, and
   * the hold that kept its blocks ended with the process that was killed. Without effect on an external node.
   */
  wanted?: () => AsyncIterable<Pin[]>
}

/** A look at all of the node's pins at one moment. */
export interface PinnedView {
  /** `recursive` or `direct` when the node has such a root, else `unpinned` (indirect counts as unpinned: it needs a pin of its own). */
  statusOf (cid: CID): IpfsPinStatus
  /** The same for many, where that is quicker than one by one. */
  statusesOf? (cids: readonly CID[]): Promise<IpfsPinStatus[]>
  /**
   * The same by texts, as `cidText` prints them; one call at a time. Quickest where what is asked for, call by call, is in the order of the
   * texts.
   */
  statusesOfTexts? (cids: readonly string[]): Promise<IpfsPinStatus[]>
  /** Gives back what the view holds. */
  close (): Promise<void>
}

/** What a kind of node can do, as data. */
export interface IpfsAbilities {
  /** `progress` tells more than the phase. */
  pinProgress: boolean
}

/**
 * The IPFS node that holds this peer's content. Embedded (`helia/`) or external (`kubo/`).
 *
 * Errors: IPFS_UNAVAILABLE when the node doesn't answer, STORAGE_FULL when it has no room, BLOCK_MISSING when content isn't here and may
 * not be fetched, TIMEOUT when nothing moved for pin_timeout, NO_PROVIDER when that was asked for, DENIED for what is on the denylist,
 * IPFS_ERROR for the rest. An aborted call rejects with the signal's reason.
 */
export interface IpfsConnector extends Startable {
  readonly abilities: IpfsAbilities
  /** Looks whether content is really there, here and on other nodes. Absent: the connector can't. */
  readonly auditor?: Auditor
  /** Never rejects: what went wrong is in `error`. */
  id (): Promise<IpfsId>
  /** Resolves when the node answers. */
  ready (options?: IpfsOptions): Promise<void>

  /**
   * Fetches what is missing and makes `pin.cid` a root of the node, recursive (maxDepth -1, or >0: that many levels) or direct (0). Already
   * so: done at once. A direct root becomes recursive; the other way round is refused with PIN_REFUSED. Fails with TIMEOUT when no block
   * came for pin_timeout.
   */
  pin (pin: Pin, options?: PinContentOptions): Promise<void>
  /**
   * True for a pin that only lacks its root: all of its content is here, as far as that is known without reading any. Absent: the connector
   * can't tell.
   */
  isWhole? (pin: Pin): boolean
  /**
   * `pin` for pins of which `isWhole` was said in the same tick, all together. They are pinned for who asks when it resolves; what a killed
   * process forgets of the last 20 ms has to be pinned again.
   */
  pinWhole? (pins: readonly Pin[]): Promise<void>
  /**
   * True when `unpin` would have nothing to do: there is no such root, and none is being made. Known without waiting. Absent: the connector
   * can't tell.
   */
  isUnpinned? (cid: CID): boolean
  /** Removes the root. What isn't a root is fine. Rejects with PIN_REFUSED while unpinning is disabled by configuration. */
  unpin (cid: CID, options?: IpfsOptions): Promise<void>
  /** The node's word on one pin, in the mode that its depth asks for. */
  pinStatus (pin: Pin, options?: IpfsOptions): Promise<IpfsPinStatus>
  /** For status lists: one view instead of a call per pin. */
  pinnedView (options?: IpfsOptions): Promise<PinnedView>
  /** The running (or last failed) pin of this CID; undefined when there is none. */
  progress (cid: CID): PinProgress | undefined
  /** Number of roots. */
  pinCount (): number
  /**
   * The roots that this peer may remove because it alone has made them, in batches. None of an external node, whose pins may be somebody
   * else's, and none while unpinning is disabled by configuration.
   */
  ownRoots (options?: IpfsOptions): AsyncIterable<CID[]>

  /** For an add on this peer, whose blocks are put with it. */
  hold (options?: HoldOptions): BlockHold
  /**
   * How many holds there are: of adds that run, and of those whose roots wait to be pinned. Each is asked about every block that a
   * collection looks at.
   */
  holdCount (): number
  /**
   * Stores blocks of another peer, whose pin comes by the pinset, as they come. They are safe from `repoGc` for an hour, also over a
   * restart, and each is checked against its CID (INVALID_DATA). Stops reading and rejects at the first error.
   */
  putBlocks (blocks: AsyncIterable<Block[]>, options?: IpfsOptions): Promise<void>
  /** A block that is here; fetched from the network unless `local`. With `allocate` a block of the own disk may lie in that memory. */
  getBlock (cid: CID, options?: GetBlockOptions): Promise<Uint8Array>
  /**
   * Reads the first of these blocks in one go, where they lie one right behind the other on the own disk, each as long as is said.
   * Undefined when they don't, aren't here, or one is denied, and when it isn't known yet; `getBlock` tells more then. Absent: the
   * connector can't.
   */
  joined? (blocks: readonly SizedBlock[], allocate?: Allocate): JoinedRead | undefined
  /**
   * Fetches a block that will soon be asked for. Undefined when it is here already; else resolves when it is. Rejects as `getBlock`, and
   * with STORAGE_FULL. Absent: the connector can't look ahead.
   */
  prefetch? (cid: CID, options: FetchBlockOptions): Promise<void> | undefined
  /**
   * `/ipfs/CID/a/b`, `/ipns/…`, `/ipld/…` → CID. A bare `/ipfs/CID` needs no look-up. Rejects with IPFS_ERROR and a clear text.
   * `evenDenied`: what is on the denylist is looked up, too, where its blocks are here: for who wants to unpin it.
   */
  resolve (path: string, options?: IpfsOptions & { evenDenied?: boolean }): Promise<CID>

  /** What the repository takes, in bytes, and what it may take. */
  repoStat (options?: IpfsOptions): Promise<RepoStat>
  /** Removes every block that no root, running pin or running add needs; yields what went. */
  repoGc (options?: CollectionOptions): AsyncIterable<RemovedKey>
  /** Peers that the IPFS node is connected to. */
  swarmPeers (options?: IpfsOptions): Promise<PeerId[]>

  /** libp2p protocols that the node answers now. Absent: the connector does not know. Throws while the node is not up. */
  protocols? (): string[]
  /** Connects to other IPFS nodes; what can't be reached is logged only. */
  connect (addresses: readonly MultiaddrText[], options?: IpfsOptions): Promise<void>
}
