import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Importer, ImportOutput } from '../../importer/importer.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinOptions } from '../../model/pin.ts'
import { pinWithOptions } from '../../model/pin.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { CallOptions } from '../cluster-api.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { Pinner } from '../pin.ts'
import type { AddPlacement } from './add-placement.ts'
import { BlockSpread } from './block-spread.ts'

/** How uploads become blocks. */
export interface Importers {
  unixfs: Importer
  /** The first entry is a CAR file; the DAG options don't count. */
  car: Importer
}

export interface AdderInit { self: PeerId, followerMode: boolean }

export interface AdderDeps {
  importers: Importers
  placement: Pick<AddPlacement, 'targets'>
  pinner: Pick<Pinner, 'pin'>
  ipfs: Pick<IpfsConnector, 'putBlocks'>
  remotes: Pick<RemotePeers, 'putBlocks'>
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
   * Makes blocks of the entries, stores them on the allocated peers while they come, and pins the last root there. Lines come as they are known, before
   * everything is stored; the end of the stream says that it is stored and pinned. Whatever goes wrong, and an end before the end, leaves no pin.
   *
   * Throws FOLLOWER_MODE, PIN_REFUSED and NOT_ENOUGH_PEERS before anything is read; what the importer throws (INVALID_ARGUMENT with Go's texts); STORAGE_FULL
   * or IPFS_ERROR when no destination could store the blocks; then what `pin` rejects with.
   */
  async * add (entries: AsyncIterable<UploadEntry>, params: AddParams, { signal }: CallOptions = {}): AsyncGenerator<AddedOutput> {
    refuseInFollowerMode(this.#init)
    const { allocations, destinations } = this.#deps.placement.targets(params)
    const spread = new BlockSpread({ self: this.#init.self, destinations, signal }, this.#deps)
    const importer = this.#deps.importers[params.format]
    let root: CID | undefined
    let stored = false
    try {
      const onRoot = (cid: CID): void => { root = cid }
      const outputs = importer(entries, params, spread, { wrap: params.wrap, progress: params.progress, onRoot, ...(signal == null ? {} : { signal }) })
      for await (const output of outputs) yield addedOutput(output, allocations)
      await spread.finish()
      stored = true
    } finally {
      if (!stored) await spread.abort(new ClusterError('IPFS_ERROR', {}, { message: 'the add was given up' }))
    }
    if (root == null) throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'there is nothing to add' })
    if (!params.noPin) await this.#deps.pinner.pin({ ...pinWithOptions(root, addedOptions(params.pin)), allocations })
  }
}

export const addedOutput = ({ name, cid, bytes, size }: ImportOutput, allocations: PeerId[]): AddedOutput =>
  ({ name, cid, bytes, size, allocations: cid == null ? [] : allocations })

/** Added content is always recursive, and never the update of another pin. */
export const addedOptions = (options: PinOptions): PinOptions => ({ ...options, mode: 'recursive', pinUpdate: null })
