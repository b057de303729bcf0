import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID } from '../../model/cid.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { DrainState } from '../cluster-api.ts'
import type { Drain } from './drain-rows.ts'
import type { EverywhereCheck } from './everywhere-check.ts'
import type { Members } from '../peers/members.ts'
import { withAllocations } from '../pinning/pin-version.ts'
import type { Growth } from './growth.ts'
import { Pace } from '../../model/pace.ts'
import type { Receivers } from './receivers.ts'
import type { Transfers } from './transfers.ts'

export interface DrainRunDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten' | 'progress'>
  transfers: Transfers
  receivers: Receivers
  /** Tells the receivers how large the peer's pins are, if that can be had. */
  measure (signal: AbortSignal): Promise<void>
  growth: Growth
  members: Pick<Members, 'list'>
  everywhere: EverywhereCheck
  /** Told of each new state. */
  changed: () => void
  /** Keeps how far it is. */
  save: (drain: Drain) => Promise<void>
  clock: Clock
  log: Logger
}

/** CIDs that are collected with one look at the pinset. */
const collectedPins = 10_000
const mostStuck = 10_000
const firstPauseMs = 5000
const lastPauseMs = 300_000
/** A drained peer is looked at again when the pinset gives it something, and all the same after this time. */
const watchMs = 3_600_000
const shortWaitMs = 1000
const measureMs = 2000

/** One drain, from its start or a restart of the process on. */
export class DrainRun {
  drain: Drain
  #state: DrainState = 'draining'
  left: number
  everywhere = 0
  readonly #deps: DrainRunDeps
  readonly #pace: Pace
  readonly #inTransit = new Map<string, CID>()
  /** Why those of them wait that take long. */
  readonly #waiting = new Map<string, string>()
  /** Of pins that couldn't move, or of the drain. */
  #reason = ''
  /** Pins that couldn't move in this round; they may have a holder more than they may have. */
  readonly #stuck = new Map<string, CID>()
  readonly #began: number
  #movedHere = 0
  #pauseMs = firstPauseMs
  #movedInRound = 0
  #isMeasured = false

  constructor (drain: Drain, deps: DrainRunDeps) {
    this.drain = drain
    this.left = drain.pins
    this.#deps = deps
    this.#pace = new Pace(drain)
    this.#began = deps.clock.elapsed()
    if (drain.endedAt != null) this.#state = 'drained'
  }

  get state (): DrainState { return this.#state }
  set state (state: DrainState) {
    if (state === this.#state) return
    this.#state = state
    this.#deps.changed()
  }

  /** Why a pin, or the drain, waits; '' when none does. */
  get reason (): string { return this.#reason || (this.#waiting.values().next().value ?? '') }
  get inTransit (): number { return this.#inTransit.size }
  get stuck (): number { return this.#stuck.size }
  get bytes (): number { return this.#deps.growth.bytes }

  /** Milliseconds until the end, by how it went until now. Null while nothing moves: nobody knows when that ends. */
  leftMs (): number | null {
    const tookMs = this.#deps.clock.elapsed() - this.#began
    if (this.state === 'drained') return 0
    const isStuck = this.state === 'waiting' || this.left <= this.#stuck.size
    return this.#movedHere === 0 || isStuck ? null : Math.round(this.left * tookMs / this.#movedHere)
  }

  limit (drain: Drain): void {
    this.drain = { ...this.drain, ...drain }
    this.#pace.limits = this.drain
  }

  /** The pinset has given something to a peer that was drained. */
  more (): void {
    if (this.state !== 'drained') return
    this.state = 'draining'
    this.drain = { ...this.drain, endedAt: null }
  }

  worker (): Worker {
    return {
      name: `drain ${this.drain.peer}`,
      intervalMs: () => this.state === 'drained' ? watchMs : this.#pauseMs,
      firstBackOffMs: firstPauseMs,
      work: async signal => await this.#round(signal) ? 'busy' : 'idle'
    }
  }

  /** Pins that were under way are given back what they may have: what came last goes. The peer and who had it before stay. */
  async undo (): Promise<void> {
    const { consensus, clock } = this.#deps
    for (const cid of [...this.#inTransit.values(), ...this.#stuck.values()]) {
      await consensus.whenWritten(cid)
      const pin = consensus.state.get(cid)
      const max = pin?.replicationFactorMax ?? 0
      if (pin == null || max <= 0 || pin.allocations.length <= max || !pin.allocations.slice(0, max).includes(this.drain.peer)) continue
      await consensus.replaceIf(pin, withAllocations(pin, pin.allocations.slice(0, max), clock.now()))
    }
  }

  /** Moves what one look at the pinset finds; true when there may be more to do at once. */
  async #round (signal: AbortSignal): Promise<boolean> {
    this.#movedInRound = 0
    await this.#learnSizes(signal)
    const found = await this.#collect(signal)
    if (found.length > 0) await this.#moveAll(found, signal)
    else if (this.left === 0) return await this.#finish(signal)
    await this.#deps.save(this.drain)
    if (this.#movedInRound > 0) {
      this.#pauseMs = firstPauseMs
      this.state = 'draining'
      if (this.#stuck.size < mostStuck) return true
    } else {
      this.#pauseMs = Math.min(lastPauseMs, this.#pauseMs * 2)
      this.state = 'waiting'
    }
    this.#stuck.clear()
    return false
  }

  async #learnSizes (signal: AbortSignal): Promise<void> {
    if (this.#isMeasured) return
    await this.#deps.measure(signal)
    this.#isMeasured = true
  }

  /** Counts what is left; the first of it that isn't stuck. */
  async #collect (signal: AbortSignal): Promise<CID[]> {
    const { peer } = this.drain
    const found: CID[] = []
    let [left, everywhere] = [0, 0]
    for await (const batch of this.#deps.consensus.state.pins({ signal })) {
      for (const pin of batch) {
        if (isEverywhere(pin)) everywhere++
        else if (pin.allocations.includes(peer)) {
          left++
          if (found.length < collectedPins && !this.#stuck.has(pin.cid.toString())) found.push(pin.cid)
        }
      }
    }
    Object.assign(this, { left, everywhere })
    if (left > 0) this.more()
    return found
  }

  async #moveAll (cids: readonly CID[], signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const stopped = AbortSignal.any([signal, ended.signal])
    const running = new Set<Promise<void>>([])
    const measuring = this.#measure(stopped)
    try {
      for (const cid of cids) {
        while (running.size >= this.drain.atOnce) await Promise.race(running)
        await this.#turn(signal)
        const one: Promise<void> = this.#moveOne(cid, signal).finally(() => running.delete(one))
        running.add(one)
      }
    } finally {
      await Promise.all(running)
      ended.abort()
      await measuring
    }
    signal.throwIfAborted()
    await this.#deps.growth.since(this.#deps.receivers.assigned(), signal) // what came since the last measure
  }

  /** Waits until the limits let another move begin. */
  async #turn (signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    for (let waitMs = this.#pace.waitMs(clock.elapsed()); waitMs > 0; waitMs = this.#pace.waitMs(clock.elapsed())) {
      await clock.sleep(Math.min(waitMs, shortWaitMs), signal)
    }
    signal.throwIfAborted()
    this.#pace.began(clock.elapsed())
  }

  /** Never rejects: what goes wrong makes the pin wait. */
  async #moveOne (cid: CID, signal: AbortSignal): Promise<void> {
    const { transfers, receivers, log } = this.#deps
    const { peer } = this.drain
    const key = cid.toString()
    this.#inTransit.set(key, cid)
    try {
      const { outcome, isFewer, reason } = await transfers.run({
        cid, from: peer, candidates: pin => receivers.candidates(pin, peer), onGiven: peers => receivers.assign(peers),
        onDone: peers => receivers.arrive(peers), onWait: reason => this.#waiting.set(key, `pin ${key}: ${reason}`)
      }, signal)
      if (outcome === 'stuck') return this.#wait(cid, reason)
      this.#left(isFewer)
    } catch (err) {
      if (signal.aborted) return
      log.warn('a pin could not be moved off a peer', { cid: key, peer, err })
      this.#wait(cid, messageOf(err))
    } finally {
      this.#waiting.delete(key)
      if (!signal.aborted) this.#inTransit.delete(key)
    }
  }

  #left (isFewer: boolean): void {
    this.left = Math.max(0, this.left - 1)
    this.#movedHere++
    this.#movedInRound++
    this.drain = { ...this.drain, moved: this.drain.moved + 1, fewer: this.drain.fewer + (isFewer ? 1 : 0) }
    if (this.state === 'waiting') this.state = 'draining'
    if (this.#stuck.size === 0) this.#reason = ''
  }

  #wait (cid: CID, reason: string): void {
    this.#stuck.set(cid.toString(), cid)
    this.#reason = `pin ${cid.toString()}: ${reason}`
  }

  /** How much has come to those that take pins: sizes of pins stand nowhere. Keeps how far the drain is meanwhile. */
  async #measure (signal: AbortSignal): Promise<void> {
    const { clock, growth, receivers, members, save } = this.#deps
    await growth.since(members.list(), signal)
    while (!signal.aborted) {
      await clock.sleep(measureMs, signal).catch(() => {}) // ended
      this.#pace.arrived(await growth.since(receivers.assigned(), signal), clock.elapsed())
      await save(this.drain)
    }
  }

  async #finish (signal: AbortSignal): Promise<boolean> {
    const { consensus, everywhere, save, clock, log } = this.#deps
    const { peer } = this.drain
    if (consensus.progress().behind) return this.#notYet('this peer has not merged all of the pinset yet')
    const alone = this.everywhere === 0 ? '' : await everywhere.missing(peer, signal)
    if (alone !== '') return this.#notYet(alone)
    if (this.drain.endedAt == null) {
      log.info('a peer is drained: it holds nothing that only it has, and may be stopped', { peer, moved: this.drain.moved })
      this.drain = { ...this.drain, endedAt: clock.now() }
      await save(this.drain)
    }
    this.#reason = ''
    this.state = 'drained'
    this.#pauseMs = firstPauseMs
    return false
  }

  #notYet (reason: string): false {
    this.#reason = reason
    this.state = 'waiting'
    this.#pauseMs = Math.min(lastPauseMs, this.#pauseMs * 2)
    return false
  }
}
