import type { Clock } from '../../base/clock.ts'
import { isClusterError, answerText } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { GlobalPinInfo, PinInfo, PinInfoHead } from '../../model/pin-info.ts'
import { globalFromLocal } from '../../model/pin-info.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { StatusFilter, TrackerStatus } from '../../model/status.ts'
import { statusMatches } from '../../model/status.ts'
import { statusLines } from '../../model/status-printer.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { CallOptions, ScopeOptions, StatusOptions } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members } from '../peers/members.ts'
import type { FailedPeer, PeerRows } from './merge-status.ts'
import { mergeRows, mergeStatus } from './merge-status.ts'
import { headOf, missingText, withMissingHolders } from './missing-peers.ts'
import type { StatusRows } from './status-rows.ts'

export interface StatusesInit { followerMode: boolean }

export interface StatusesDeps {
  consensus: Pick<Consensus, 'state'>
  tracker: Pick<PinTracker, 'status' | 'statusAll' | 'statusLines'>
  remotes: Pick<RemotePeers, 'status' | 'statusAll'>
  members: Members
  /** A new table for the rows of one listing. */
  statusRows: () => StatusRows
  clock: Clock
  log: Logger
}

/** How one peer is asked about one pin. */
export type AskPeer = (peer: PeerId, signal: AbortSignal | undefined) => Promise<PinInfo>

/** How one peer is asked about all of its pins. */
export type AskPeerForAll = (peer: PeerId) => AsyncIterable<PinInfo[]>

/** The use case "how are the pins", for one peer or for all (cluster.go). */
export class Statuses {
  readonly #init: StatusesInit
  readonly #deps: StatusesDeps

  constructor (init: StatusesInit, deps: StatusesDeps) {
    this.#init = init
    this.#deps = deps
  }

  async status (cid: CID, { local, signal }: ScopeOptions = {}): Promise<GlobalPinInfo> {
    const { tracker, remotes, members } = this.#deps
    if (local === true) return globalFromLocal(await tracker.status(cid, options(signal)))
    return this.ofAll(cid, async (peer, peerSignal) => peer === members.self
      ? tracker.status(cid, options(peerSignal))
      : remotes.status(peer, cid, options(peerSignal)), options(signal))
  }

  statusAll (filter: StatusFilter, { local, missing, signal }: StatusOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    const { tracker, remotes, members } = this.#deps
    if (local === true) return eachAlone(tracker.statusAll(filter, options(signal)))
    const merged = this.mergeAll(peer => peer === members.self
      ? tracker.statusAll(filter, options(signal))
      : remotes.statusAll(peer, filter, options(signal)), options(signal))
    if (!this.#showsMissing(filter, missing)) return merged
    const rowOf = (peer: PeerId, head: PinInfoHead): PinInfo =>
      this.#rowsOf(peer, 'cluster_error', missingText(members.missingPeer(peer)))(head)
    return withMissingHolders(
      merged, { filter, rowOf, state: this.#deps.consensus.state, members: new Set(members.list()) }, options(signal)
    )
  }

  /** The same as JSON lines. Those of this peer alone are made without an object for each. */
  statusLines (filter: StatusFilter, scope: StatusOptions = {}): AsyncIterable<string | Uint8Array> {
    const ours = (): AsyncIterable<Uint8Array> => this.#deps.tracker.statusLines(filter, options(scope.signal))
    if (scope.local === true) return ours()
    const isOnlyOurs = this.#audience().length === 1 && !this.#showsMissing(filter, scope.missing)
    return isOnlyOurs ? this.#ifAny(ours()) : statusLines(this.statusAll(filter, scope))
  }

  #showsMissing (filter: StatusFilter, missing: boolean | undefined): boolean {
    return missing === true && !this.#init.followerMode && statusMatches('cluster_error', filter)
  }

  /**
   * One pin on all peers: who holds it is asked, the other members are `remote`, who doesn't answer is in `cluster_error`, who doesn't let
   * us ask is left out. What isn't in the pinset is `unpinned` on all members without asking.
   */
  async ofAll (cid: CID, ask: AskPeer, { signal }: CallOptions = {}): Promise<GlobalPinInfo> {
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null) return this.#unpinnedEverywhere(cid)
    const members = this.#audience()
    const holders = this.#init.followerMode || isEverywhere(pin) ? members : pin.allocations
    const head = headOf(pin)
    const others = members.filter(peer => !holders.includes(peer)).map(peer => this.#rowsOf(peer, 'remote')(head))
    const asked = await Promise.all(holders.map(async peer => this.#askOne(peer, head, ask, signal)))
    const rows = [...others, ...asked.filter(row => row != null)]
    return rows.length === 0 ? { ...head, peerMap: new Map() } : mergeRows(rows)
  }

  /** All pins of all peers. With one peer its rows go through as they come; else they are merged, see `mergeStatus`. */
  mergeAll (ask: AskPeerForAll, { signal }: CallOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    const { self } = this.#deps.members
    const peers = this.#audience()
    if (peers.length === 1) return this.#ifAny(eachAlone(ask(self)))
    const streams: PeerRows[] = [...peers.filter(peer => peer !== self), self].map(peer => ({ peer, rows: ask(peer) }))
    return mergeStatus(streams, { table: this.#deps.statusRows, failure: (peer, err) => this.#failure(peer, err) }, signal)
  }

  /** Whom a global question goes to. A follower asks nobody but itself. */
  #audience (): PeerId[] {
    const { members } = this.#deps
    return this.#init.followerMode ? [members.self] : members.list()
  }

  /** As in Go, a peer that can't answer about itself adds nothing to the list, and that is no error as long as nothing was given. */
  async * #ifAny<T> (batches: AsyncIterable<T>): AsyncGenerator<T> {
    let begun = false
    try {
      for await (const batch of batches) {
        begun = true
        yield batch
      }
    } catch (err) {
      if (begun || !isClusterError(err)) throw err
      this.#deps.log.warn('the status of this peer could not be read', { err })
    }
  }

  async #askOne (peer: PeerId, head: PinInfoHead, ask: AskPeer, signal: AbortSignal | undefined): Promise<PinInfo | undefined> {
    const { clock, members } = this.#deps
    try {
      return peer === members.self
        ? await ask(peer, signal)
        : await within({ clock, ms: peerAnswerMs, signal }, async late => ask(peer, late))
    } catch (err) {
      signal?.throwIfAborted()
      return this.#failure(peer, err)?.(head)
    }
  }

  #failure (peer: PeerId, err: unknown): FailedPeer | undefined {
    if (isClusterError(err, 'NOT_AUTHORIZED')) return undefined
    this.#deps.log.debug('a peer did not answer about its pins', { peer, err })
    return this.#rowsOf(peer, 'cluster_error', answerText(err))
  }

  #unpinnedEverywhere (cid: CID): GlobalPinInfo {
    const now = this.#deps.clock.now()
    const head: PinInfoHead = { cid, name: '', allocations: [], origins: null, created: now, metadata: null }
    return { ...head, peerMap: new Map(this.#audience().map(peer => [peer, this.#rowsOf(peer, 'unpinned')(head)])) }
  }

  /** Makes rows of a peer that didn't speak for itself: who it is comes from its last ping, the time is now. */
  #rowsOf (peer: PeerId, status: TrackerStatus, error = ''): (head: PinInfoHead) => PinInfo {
    const { peerName, ipfsId: ipfsPeerId, ipfsAddresses: ipfsPeerAddresses } = this.#deps.members.ping(peer)
    const short = {
      peerName, ipfsPeerId, ipfsPeerAddresses, status, timestamp: this.#deps.clock.now(), error, attemptCount: 0, priorityPin: false
    }
    return ({ cid, name, allocations, origins, created, metadata }) => ({
      cid, name, allocations, origins, created, metadata, peer, ...short
    })
  }
}

const options = (signal: AbortSignal | undefined): CallOptions => signal == null ? {} : { signal }

/** Rows of one peer as global rows. */
export async function * eachAlone (rows: AsyncIterable<PinInfo[]>): AsyncGenerator<GlobalPinInfo[]> {
  for await (const batch of rows) yield batch.map(globalFromLocal)
}
