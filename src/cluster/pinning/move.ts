import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { MoveOrder } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { Members } from '../peers/members.ts'
import { MoveRows } from './move-rows.ts'
import type { Move, MoveRowsDeps } from './move-rows.ts'
import { isAbout, withAllocations } from './pin-version.ts'
import type { Placement } from './placement.ts'

export interface MovesDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten'>
  members: Members
  placement: Pick<Placement, 'allocate'>
  datastore?: MoveRowsDeps['datastore']
  /** Asks any peer for the status of one pin. */
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  clock: Clock
  log: Logger
}

const movesKept = 10_000
const asksAtATime = 16
const lookMs = 2000
/** A move whose new holders don't get the item stays as it is then: it has a holder more than it had. */
const giveUpMs = 24 * 3_600_000
const tries = 5

/** Why a new holder hasn't got the item, and since when (the clock's `elapsed`) there has been a reason. */
export interface MoveDelay { reason: string, since: number }

/**
 * The use case "this pin shall be elsewhere". A peer that is there keeps the item until the new holders report `pinned`: until then the pin
 * has one allocation more. What waits for that is on the disk before the pin changes, and goes on with the next start.
 */
export class Moves {
  readonly #init: { followerMode: boolean }
  readonly #deps: MovesDeps
  readonly #rows: MoveRows
  readonly #moves = new Map<string, Move>()
  readonly #delays = new Map<string, MoveDelay>()

  constructor (init: { followerMode: boolean }, deps: MovesDeps) {
    this.#init = init
    this.#deps = deps
    this.#rows = new MoveRows(deps)
  }

  /** Goes on with the moves of earlier runs. */
  async resume (signal: AbortSignal): Promise<void> {
    for (const move of await this.#rows.load(signal)) this.#moves.set(move.cid.toString(), move)
  }

  /** Pins that wait for their new holders. */
  get size (): number { return this.#moves.size }

  has (cid: CID): boolean { return this.#moves.has(cid.toString()) }

  /** Undefined: the new holders are at it, or there is no such move. */
  delay (cid: CID): MoveDelay | undefined { return this.#delays.get(cid.toString()) }

  /** The new holders lose the item again, and the old one keeps it, if nobody has changed the pin since. */
  async undo (cid: CID): Promise<void> {
    const { consensus, clock } = this.#deps
    const move = this.#moves.get(cid.toString())
    if (move == null) return
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin != null && isUnderWay(move, pin)) {
      await consensus.replaceIf(pin, withAllocations(pin, pin.allocations.filter(peer => !move.to.includes(peer)), clock.now()))
    }
    await this.#forget(move)
  }

  /**
   * Resolves with the pin as committed. Rejects with FOLLOWER_MODE, NOT_PINNED, INVALID_ARGUMENT (the pin is on every peer, or not
   * allocated to `from`; `to` has a peer that isn't there, can't be chosen, or holds it already), NOT_ENOUGH_PEERS, QUEUE_FULL, CONFLICT
   * (others go on changing the pin), and what consensus rejects with.
   */
  async move (cid: CID, order: MoveOrder): Promise<Pin> {
    refuseInFollowerMode(this.#init)
    if (this.#moves.size >= movesKept) throw new ClusterError('QUEUE_FULL', {}, { message: `${movesKept} pins are being moved already` })
    for (let attempt = 0; attempt < tries; attempt++) {
      const moved = await this.#begin(cid, order)
      if (moved != null) return moved
    }
    throw new ClusterError('CONFLICT', { cid: cid.toString() }, { message: 'the pin was changed by somebody else at the same time' })
  }

  /** Takes the item from old holders once the new ones have it. */
  worker (): Worker {
    return {
      name: 'moves',
      runAtStart: false,
      intervalMs: () => lookMs,
      work: async signal => {
        for (const moves of batchesOf([...this.#moves.values()], asksAtATime)) {
          await Promise.all(moves.map(async move => this.#finish(move, signal)))
        }
        return 'idle'
      }
    }
  }

  /** Undefined when the pin changed meanwhile. */
  async #begin (cid: CID, { from, to }: MoveOrder): Promise<Pin | undefined> {
    const { consensus, members, clock } = this.#deps
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin == null) throw new ClusterError('NOT_PINNED', { cid: cid.toString() })
    const target = this.#targetOf(pin, from, to)
    const isThere = members.has(from)
    const moved = withAllocations(pin, isThere ? [...target, from] : target, clock.now())
    const added = target.filter(peer => !pin.allocations.includes(peer))
    const move: Move = { cid, from, to: added, until: clock.now() + giveUpMs }
    if (isThere) await this.#rows.add(move)
    if (!await consensus.replaceIf(pin, moved)) return undefined
    if (isThere) this.#moves.set(cid.toString(), move)
    return moved
  }

  /** As many holders as now, without the one. */
  #targetOf (pin: Pin, from: PeerId, to: readonly PeerId[]): PeerId[] {
    const refuse = (message: string): never => {
      throw new ClusterError('INVALID_ARGUMENT', { cid: pin.cid.toString(), from }, { message })
    }
    if (isEverywhere(pin) || pin.type === 'meta-pin') refuse('the pin is on every peer: set its replication factors before it can be moved')
    if (!pin.allocations.includes(from)) refuse('the pin is not allocated to the peer that it shall leave')
    const current = pin.allocations.filter(peer => peer !== from)
    if (to.some(peer => peer === from || current.includes(peer))) refuse('a peer that shall get the pin has it already')
    const count = Math.max(pin.allocations.length, current.length + to.length)
    const wanted = { ...pin, replicationFactorMin: count, replicationFactorMax: count, userAllocations: [...to] }
    const target = this.#deps.placement.allocate({ pin: wanted, current, without: new Set([from]) })
    const [lacking] = to.filter(peer => !target.includes(peer))
    if (lacking != null) refuse(`the peer ${lacking} can not be chosen: it is not there, has no room, or takes no pins`)
    return target
  }

  async #finish (move: Move, signal: AbortSignal): Promise<void> {
    const { consensus, clock, log } = this.#deps
    const { cid, from, to, until } = move
    const key = cid.toString()
    try {
      const pin = consensus.state.get(cid)
      if (pin == null || !isUnderWay(move, pin) || clock.now() > until) return await this.#forget(move)
      const said = await Promise.all(
        to.map(async peer => within({ clock, ms: peerAnswerMs, signal }, async late => this.#deps.ask(peer, cid, late)))
      )
      const failed = said.find(info => info.status === 'pin_error' || info.status === 'cluster_error')
      this.#noteDelay(key, failed == null ? '' : `peer ${failed.peer}: ${failed.error}`)
      if (said.some(info => info.status !== 'pinned' || !isAbout(info, pin))) return
      await consensus.whenWritten(cid)
      const moved = withAllocations(pin, pin.allocations.filter(peer => peer !== from), clock.now())
      if (await consensus.replaceIf(pin, moved)) await this.#forget(move)
    } catch (err) {
      signal.throwIfAborted()
      this.#noteDelay(key, `peer ${to.join(' ')}: ${messageOf(err)}`)
      if (!isClusterError(err, 'PEER_UNREACHABLE')) {
        log.debug('a moved pin could not be removed from the peer that it leaves yet', { cid: key, from, err })
      }
    }
  }

  #noteDelay (key: string, reason: string): void {
    if (reason === '') this.#delays.delete(key)
    else if (this.#moves.has(key)) this.#delays.set(key, { reason, since: this.#delays.get(key)?.since ?? this.#deps.clock.elapsed() })
  }

  async #forget (move: Move): Promise<void> {
    const key = move.cid.toString()
    if (this.#moves.get(key) !== move) return
    this.#moves.delete(key)
    this.#delays.delete(key)
    await this.#rows.delete(move.cid)
  }
}

/** Nobody has changed the pin in a way that ends the move. */
const isUnderWay = ({ from, to }: Move, { allocations }: Pin): boolean =>
  allocations.includes(from) && to.every(peer => allocations.includes(peer))
