import type { Logger } from '../../base/log.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import { refuseDeniedCid } from '../../ipfs/denylist.ts'
import type { BlockHold, IpfsConnector } from '../../ipfs/ipfs.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinOptions } from '../../model/pin.ts'
import { isRemote, pinWithOptions } from '../../model/pin.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { CallOptions } from '../cluster-api.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { Pinner } from '../pinning/pin.ts'
import type { AddPlacement } from './add-placement.ts'
import { BlockFanOut } from './block-fan-out.ts'
import { addSharded } from './sharded-add.ts'
import type { Importers } from './upload.ts'
import { addedOutput, readUpload, rootOf } from './upload.ts'

export interface AdderInit { self: PeerId, followerMode: boolean }

export interface AdderDeps {
  importers: Importers
  placement: Pick<AddPlacement, 'targets'>
  pinner: Pick<Pinner, 'pin'>
  consensus: Pick<Consensus, 'state' | 'remove'>
  ipfs: Pick<IpfsConnector, 'hold'>
  remotes: Pick<RemotePeers, 'putBlocks'>
  denylist?: Denylist
  log: Logger
}

/** The use case "take this content and keep it". */
export class Adder {
  readonly #init: AdderInit
  readonly #deps: AdderDeps

  constructor (init: AdderInit, deps: AdderDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Makes blocks of the entries, stores them on the allocated peers while they come, and pins the last root there. Lines come as they are
   * known, before everything is stored; the end of the stream says that it is stored and pinned. Whatever goes wrong, and an end before the
   * end, leaves no pin.
   *
   * Throws FOLLOWER_MODE, PIN_REFUSED and NOT_ENOUGH_PEERS before anything is read; what the importer throws (INVALID_ARGUMENT with Go's
   * texts); STORAGE_FULL or IPFS_ERROR when no destination could store the blocks; DENIED when the root, or a block that is to be stored
   * here, is on the denylist; INVALID_ARGUMENT with the fact `empty` when there is nothing; then what `pin` rejects with.
   */
  async * add (entries: AsyncIterable<UploadEntry>, params: AddParams, { signal }: CallOptions = {}): AsyncGenerator<AddedOutput> {
    refuseInFollowerMode(this.#init)
    const prepared = { ...params, pin: addedOptions(params.pin) }
    if (params.shard) yield * addSharded({ entries, params: prepared, signal, self: this.#init.self }, this.#deps)
    else yield * this.#addWhole(entries, prepared, signal)
  }

  async * #addWhole (entries: AsyncIterable<UploadEntry>, params: AddParams, signal: AbortSignal | undefined): AsyncGenerator<AddedOutput> {
    const { allocations, destinations } = this.#deps.placement.targets(params)
    const isPinned = !params.noPin || params.awaitsPin === true
    using hold = this.#deps.ipfs.hold({ isUnpinned: !isPinned })
    await using sink = new BlockFanOut({ self: this.#init.self, destinations, signal, hold, isPinned }, this.#deps)
    let root: CID | undefined
    const onRoot = (cid: CID): void => { root = cid }
    for await (const output of readUpload({ entries, params, sink }, this.#deps.importers, { signal, onRoot, forShards: false })) {
      yield addedOutput(output, allocations)
    }
    await sink.finish()
    const cid = rootOf(root)
    refuseDeniedCid(this.#deps.denylist, cid)
    if (params.noPin) {
      if (params.awaitsPin === true) await this.#keepForPin(cid, { hold, isHere: destinations.includes(this.#init.self) })
      return
    }
    // the blocks are on the disk before the pin is
    await hold.keepUntilPinned(cid)
    const pin = await this.#deps.pinner.pin({ ...pinWithOptions(cid, params.pin), allocations })
    hold.handOver(isRemote(pin, this.#init.self) ? [] : [cid])
  }

  /** For whoever pins it next. Other peers keep what they were sent for an hour; a pin that is there already keeps the blocks by itself. */
  async #keepForPin (cid: CID, { hold, isHere }: { hold: BlockHold, isHere: boolean }): Promise<void> {
    await hold.keepUntilPinned(cid)
    hold.handOver(isHere && !this.#deps.consensus.state.has(cid) ? [cid] : [])
  }
}

/** Added content is always recursive, and never the update of another pin. */
const addedOptions = (options: PinOptions): PinOptions => ({ ...options, mode: 'recursive', pinUpdate: null })
