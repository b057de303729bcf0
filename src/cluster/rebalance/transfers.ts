import type { Clock } from '../../base/clock.ts'
import { isClusterError, messageOf } from '../../base/errors.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members } from '../peers/members.ts'
import { UnplaceableSince } from './unplaceable-since.ts'
import { isAbout, withAllocations } from '../pinning/pin-version.ts'
import { goalOf, transferStep } from './transfer-step.ts'
import type { ReportedStatus, TransferStep } from './transfer-step.ts'

export interface TransfersDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten'>
  members: Pick<Members, 'has' | 'missingPeer'>
  /** Asks any peer for the status of one pin. */
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  clock: Clock
}

/** A pin that shall leave a peer. */
export interface TransferOrder {
  cid: CID
  from: PeerId
  /** Who could take it, the best first; see `TransferView`. */
  candidates: (pin: Pin) => readonly PeerId[]
  /** Told of holders that are to be added, and of each one that has the item since or will not get it. */
  onGiven: (peers: readonly PeerId[]) => void
  onDone: (peers: readonly PeerId[]) => void
  /** Told why it goes on waiting, at each look from the seventh second on. */
  onWait: (reason: string) => void
}

/** `gone`: somebody else was faster, or the pin is none any more. */
export interface TransferResult { outcome: 'moved' | 'gone' | 'stuck', isFewer: boolean, reason: string }

const firstLookMs = 100
const lastLookMs = 5000
/** How long a holder may be silent, or not know of the pin, before another one is chosen. */
const noReportMs = 60_000
/** A look at all holders takes no longer. */
const forgetMs = 2 * lastLookMs + peerAnswerMs

const reportedStatuses: Partial<Record<TrackerStatus, ReportedStatus>> = {
  pinned: 'has', pinning: 'coming', pin_queued: 'coming', pin_error: 'failed', cluster_error: 'failed'
}

/** What one holder reported last, in words too, and since when it has reported nothing of use. */
interface Report { status: ReportedStatus, noReportSince: number | undefined, reason: string }

/**
 * Brings single pins off a peer, each step as `transferStep` decides. Keeps nothing but that nobody could take pins of certain holders:
 * whatever has been done stands in the pinset.
 */
export class Transfers {
  readonly #deps: TransfersDeps
  readonly #unplaceable = new UnplaceableSince({ forgetMs })

  constructor (deps: TransfersDeps) { this.#deps = deps }

  /**
   * Resolves when the peer has lost the pin, or nothing can be done now; rejects with what consensus rejects with, or the signal's reason.
   */
  async run (order: TransferOrder, signal: AbortSignal): Promise<TransferResult> {
    // a signal with the listeners of a thousand transfers takes longer to listen to than a look takes
    const own = new AbortController()
    const onAbort = (): void => own.abort(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    return this.#run(order, own.signal).finally(() => signal.removeEventListener('abort', onAbort))
  }

  async #run (order: TransferOrder, signal: AbortSignal): Promise<TransferResult> {
    const { clock, consensus } = this.#deps
    const transfer = new Transfer(order, { ...this.#deps, unplaceable: this.#unplaceable })
    for (let look = firstLookMs; ; look = Math.min(lastLookMs, look * 2)) {
      signal.throwIfAborted()
      const pin = consensus.state.get(order.cid)
      if (pin == null || isEverywhere(pin) || !pin.allocations.includes(order.from)) return transfer.end('gone')
      await transfer.collectReports(pin, signal)
      const result = await transfer.take(pin, signal)
      if (result != null) return result
      if (look === lastLookMs) order.onWait(transfer.whyItWaits())
      await clock.sleep(look, signal)
    }
  }
}

class Transfer {
  readonly #order: TransferOrder
  readonly #deps: TransfersDeps & { unplaceable: UnplaceableSince }
  readonly #reports = new Map<PeerId, Report>()
  /** Nobody is tried twice: who failed first would be chosen again and again. */
  readonly #added = new Set<PeerId>()
  /** The other holders, as of the last look: what a former one said is no reason to wait. */
  #others: readonly PeerId[] = []
  #goal = 0
  #fewerSince: number | undefined

  constructor (order: TransferOrder, deps: TransfersDeps & { unplaceable: UnplaceableSince }) {
    this.#order = order
    this.#deps = deps
  }

  end (outcome: TransferResult['outcome'], isFewer = false): TransferResult {
    this.#order.onDone([...this.#added])
    return { outcome, isFewer, reason: this.#reasonOf(this.#reports.keys()) || 'no other peer can take it' }
  }

  whyItWaits (): string {
    if (this.#fewerSince != null) return `no other peer can take it; when none can for ${noReportMs / 1000} s, it has a copy less`
    const coming = this.#others.find(peer => this.#reports.get(peer)?.status === 'coming')
    return this.#reasonOf(this.#others) || (coming == null ? 'no other peer has it yet' : `peer ${coming} has not got all of it yet`)
  }

  /** Why one of these peers has not got it. */
  #reasonOf (peers: Iterable<PeerId>): string {
    for (const peer of peers) {
      const reason = this.#reports.get(peer)?.reason ?? ''
      if (reason !== '') return reason
    }
    return ''
  }

  /** Asks all other holders what they have. */
  async collectReports (pin: Pin, signal: AbortSignal): Promise<void> {
    this.#others = pin.allocations.filter(peer => peer !== this.#order.from)
    await Promise.all(this.#others.map(async peer => { this.#reports.set(peer, await this.#askOne(peer, pin, signal)) }))
  }

  /** Undefined: look again, also when somebody has changed the pin since its holders were asked. */
  async take (asked: Pin, signal: AbortSignal): Promise<TransferResult | undefined> {
    const { consensus, clock } = this.#deps
    const { cid, from, candidates, onGiven, onDone } = this.#order
    await consensus.whenWritten(cid)
    signal.throwIfAborted()
    const pin = consensus.state.get(cid)
    if (pin == null || isEverywhere(pin) || !pin.allocations.includes(from)) return this.end('gone')
    if (!isAbout({ created: asked.timestamp, allocations: asked.allocations }, pin)) return undefined
    if (this.#goal === 0) this.#goal = goalOf(pin)
    const reported = new Map([...this.#reports].map(([peer, { status }]) => [peer, status]))
    const step = this.#orWait(transferStep({
      pin, from, goal: Math.max(this.#goal, pin.replicationFactorMin), reported, added: this.#added,
      candidates: () => candidates(pin).filter(peer => !this.#added.has(peer))
    }), pin)
    if (step.do === 'stuck') return this.end('stuck')
    if (step.do === 'wait') return undefined
    const fresh = step.allocations.filter(peer => !pin.allocations.includes(peer))
    onGiven(fresh) // before it is written: who chooses for the next pin meanwhile counts it
    const isWritten = await consensus.replaceIf(pin, withAllocations(pin, step.allocations, clock.now())).catch(err => {
      onDone(fresh)
      throw err
    })
    if (!isWritten) return void onDone(fresh)
    if (step.isLast) return this.end('moved', step.isFewer)
    for (const peer of fresh) this.#added.add(peer)
    return undefined
  }

  /**
   * A copy less is given up only when nobody could take it for a while: peers begin again, and metrics come late. Pins that all others have
   * wait for that together, else those that are on every peer would take that time one after the other.
   */
  #orWait (step: TransferStep, { allocations }: Pin): TransferStep {
    const { clock, unplaceable } = this.#deps
    if (step.do === 'commit' && !step.isLast) unplaceable.end(allocations)
    if (step.do !== 'commit' || !step.isFewer) {
      this.#fewerSince = undefined
      return step
    }
    const now = clock.elapsed()
    this.#fewerSince ??= now
    const haveAll = allocations.every(peer => peer === this.#order.from || this.#reports.get(peer)?.status === 'has')
    const since = haveAll ? unplaceable.sinceMs(allocations, now) : this.#fewerSince
    return now - Math.min(since, this.#fewerSince) < noReportMs ? { do: 'wait' } : step
  }

  async #askOne (peer: PeerId, pin: Pin, signal: AbortSignal): Promise<Report> {
    const { members, ask, clock } = this.#deps
    if (!members.has(peer)) {
      // after a start of this peer it takes a moment until the others are heard
      if (members.missingPeer(peer).lastSeen == null) return this.#noReport(peer, `peer ${peer} was not heard since this peer began`)
      return { status: 'failed', noReportSince: undefined, reason: `peer ${peer} is not there` }
    }
    try {
      const info = await within({ clock, ms: peerAnswerMs, signal }, async late => ask(peer, this.#order.cid, late))
      const status = reportedStatuses[info.status]
      if (status === 'has' && !isAbout(info, pin)) return this.#noReport(peer, `peer ${peer} has not heard yet how the pin has changed`)
      if (status != null) return { status, noReportSince: undefined, reason: status === 'failed' ? `peer ${peer}: ${info.error}` : '' }
      return this.#noReport(peer, `peer ${peer} says ${info.status}: it does not take the pin as its own`)
    } catch (err) {
      signal.throwIfAborted()
      if (isClusterError(err, 'NOT_AUTHORIZED')) {
        return { status: 'failed', noReportSince: undefined, reason: `peer ${peer} does not trust this one` }
      }
      return this.#noReport(peer, `peer ${peer}: ${messageOf(err)}`)
    }
  }

  #noReport (peer: PeerId, reason: string): Report {
    const now = this.#deps.clock.elapsed()
    const since = this.#reports.get(peer)?.noReportSince ?? now
    return { status: now - since < noReportMs ? 'coming' : 'failed', noReportSince: since, reason }
  }
}
