import type { PinState } from '../../consensus/consensus.ts'
import type { IpfsConnector, IpfsPinStatus, PinnedView } from '../../ipfs/ipfs.ts'
import { batchesOf } from '../../base/batches.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Pin, PinDepth } from '../../model/pin.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { StatusFilter, TrackerStatus } from '../../model/status.ts'
import { statusMatches, trackerStatuses } from '../../model/status.ts'
import type { TrackerOptions } from '../tracker.ts'
import type { OperationTable } from './operation-table.ts'
import { cidOfKey, keyOf } from './operation-table.ts'
import { desiredState } from './operation-runner.ts'
import type { DesiredState } from './operation-runner.ts'
import { keptStates, stateFacts } from './operation-states.ts'
import type { PinInfos } from './pin-infos.ts'

/** Go's text for a pin that its IPFS node doesn't have. */
export const missingText = 'the item should be pinned but it is not'

/** What this peer shall do about a pin. */
export interface WantedPin { desired: DesiredState, maxDepth: PinDepth }

/** A root in the mode that is asked for; a recursive one is more than a direct one needs. */
export const isHeld = (pin: Pick<WantedPin, 'maxDepth'>, status: IpfsPinStatus | undefined): boolean =>
  status === 'recursive' || (status === 'direct' && pin.maxDepth === 0)

/** What is to be said of a status that no operation has. */
export const errorOf = (status: TrackerStatus): string => status === 'unexpectedly_unpinned' ? missingText : ''

/** What is to be said of items that are pinned; '' of most. */
export interface PinRemarks {
  /** Nothing of any: lists needn't ask for each. */
  isEmpty (): boolean
  on (cid: CID): string
}

export interface StatusListsDeps {
  state: PinState
  ipfs: Pick<IpfsConnector, 'pinnedView'>
  table: OperationTable
  infos: PinInfos
  notes?: PinRemarks
}

const { pinned, unexpectedly_unpinned: missing, sharded, remote } = trackerStatuses
const computedStatuses: StatusFilter = pinned | missing | sharded | remote
const unpinStatuses: StatusFilter = trackerStatuses.unpin_error | trackerStatuses.unpin_queued | trackerStatuses.unpinning
const rowsInBatch = 1000

/** A view of the node's pins, and what was pinned since it was opened. */
export interface OpenView { view: PinnedView, since: Set<string> }

/** Lists of statuses: from the operations alone where that is enough, else from the pinset, the operations and one view of the node. */
export class StatusLists {
  readonly #self: PeerId
  readonly #deps: StatusListsDeps
  readonly #open = new Set<OpenView>()

  constructor (self: PeerId, deps: StatusListsDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** To be told of each CID that was just pinned: a list that is under way must not call it missing because its view is older. */
  notePinned (key: string): void {
    for (const { since } of this.#open) since.add(key)
  }

  async * list (filter: StatusFilter, options: TrackerOptions): AsyncGenerator<PinInfo[]> {
    if (!this.needsPinset(filter)) return yield * this.ofOperations(filter)
    const open = this.needsView(filter) ? await this.openView(options) : undefined
    try {
      for await (const pins of this.#deps.state.pins(options)) {
        const held = await open?.view.statusesOf?.(pins.map(pin => pin.cid))
        const rows = pins.map((pin, at) => this.rowOf(pin, filter, open, held?.[at])).filter(row => row != null)
        if (rows.length > 0) yield rows
      }
    } finally {
      if (open != null) await this.closeView(open)
    }
    yield * this.unpinsNotInPinset(filter)
  }

  /** Whether there is more to see than operations. */
  needsPinset (filter: StatusFilter): boolean { return filter === 0 || (filter & computedStatuses) !== 0 }
  needsView (filter: StatusFilter): boolean { return filter === 0 || (filter & (pinned | missing)) !== 0 }

  /** Nothing to look for by key: most lists are of pins that are at rest. */
  isAtRest (open: OpenView | undefined): boolean { return this.#deps.table.isEmpty && (open?.since.size ?? 0) === 0 }

  async openView (options: TrackerOptions): Promise<OpenView> {
    const since = new Set<string>()
    const pending = { since, view: { statusOf: () => 'unpinned', close: async () => {} } satisfies PinnedView as PinnedView }
    this.#open.add(pending) // before asking: the node may look at its pins long before it answers
    try {
      pending.view = await this.#deps.ipfs.pinnedView(options)
      return pending
    } catch (err) {
      this.#open.delete(pending)
      if (options.signal?.aborted === true) throw err
      throw new ClusterError(
        isClusterError(err) ? err.code : 'IPFS_ERROR', {}, { message: `could not get pinset from IPFS: ${messageOf(err)}`, cause: err }
      )
    }
  }

  async closeView (open: OpenView): Promise<void> {
    this.#open.delete(open)
    await open.view.close()
  }

  /** What the pinset and the node say of a pin without an operation. `held`: the node's word. */
  computed (wanted: WantedPin, key: string, open: OpenView | undefined, held: IpfsPinStatus | undefined): TrackerStatus {
    if (wanted.desired === 'meta') return 'sharded'
    if (wanted.desired === 'remote') return 'remote'
    if (open == null) return 'undefined'
    return isHeld(wanted, held) || open.since.has(key) ? 'pinned' : 'unexpectedly_unpinned'
  }

  /** The same; `held` undefined: the node wasn't asked yet. */
  computedOf (pin: Pin, key: string, open: OpenView | undefined, held: IpfsPinStatus | undefined): TrackerStatus {
    const wanted = { desired: desiredState(pin, this.#self), maxDepth: pin.maxDepth }
    return this.computed(wanted, key, open, held ?? (wanted.desired === 'pin' ? open?.view.statusOf(pin.cid) : undefined))
  }

  rowOf (pin: Pin, filter: StatusFilter, open: OpenView | undefined, held: IpfsPinStatus | undefined): PinInfo | undefined {
    const { table } = this.#deps
    const key = this.isAtRest(open) ? '' : keyOf(pin.cid)
    const operation = table.get(key)
    if (operation != null && operation.state !== 'idle') {
      return statusMatches(stateFacts[operation.state].status, filter) ? this.#deps.infos.ofOperation(pin.cid, operation, pin) : undefined
    }
    const status = this.computedOf(pin, key, open, held)
    if (status === 'undefined' || !statusMatches(status, filter)) return undefined // undefined: nobody asked for those
    return this.#deps.infos.ofPin(pin, status, this.noteOn(pin.cid, status) || errorOf(status))
  }

  /** Of a pin that is at rest; ''. */
  noteOn (cid: CID, status: TrackerStatus): string { return status === 'pinned' ? this.#deps.notes?.on(cid) ?? '' : '' }
  get hasNotes (): boolean { return this.#deps.notes?.isEmpty() === false }

  * ofOperations (filter: StatusFilter): Generator<PinInfo[]> {
    const operations = this.#deps.table.inStates(keptStates.filter(state => statusMatches(stateFacts[state].status, filter)))
    for (const some of batchesOf(operations, rowsInBatch)) {
      const rows: PinInfo[] = []
      for (const operation of some) {
        // changed while the reader took its time
        if (operation.state === 'idle' || !statusMatches(stateFacts[operation.state].status, filter)) continue
        const cid = cidOfKey(operation.key)
        rows.push(this.#deps.infos.ofOperation(cid, operation, this.#deps.state.get(cid)))
      }
      if (rows.length > 0) yield rows
    }
  }

  /** Unpins show only to those who ask for them by status: their CIDs are in nobody's pinset. */
  * unpinsNotInPinset (filter: StatusFilter): Generator<PinInfo[]> {
    const asked = filter & unpinStatuses
    if (asked === 0) return
    for (const rows of this.ofOperations(asked)) {
      const gone = rows.filter(row => !this.#deps.state.has(row.cid))
      if (gone.length > 0) yield gone
    }
  }
}
