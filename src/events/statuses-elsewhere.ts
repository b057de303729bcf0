import type { Clock } from '../base/clock.ts'
import { isClusterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { PinsetChange } from '../consensus/consensus.ts'
import type { PeerId } from '../model/cid.ts'
import type { RemotePeers } from '../network/remote-peers.ts'
import type { RemoteStatuses, StatusChange } from '../network/remote-statuses.ts'
import { PolledStatuses } from './polled-statuses.ts'

export interface StatusesElsewhereDeps {
  statuses: RemoteStatuses
  remotes: Pick<RemotePeers, 'status' | 'statusAll'>
  workers: Workers
  clock: Clock
  log: Logger
  told: (peer: PeerId, change: StatusChange) => void
  /** There were changes on this peer that nobody can tell any more. */
  missed: (peer: PeerId) => void
}

/** A listener that comes again within this time (a page that is loaded anew) finds that nothing was missed. */
const lingerMs = 60_000
const firstPauseMs = 1000
const lastPauseMs = 30_000
const lookEveryMs = 5000
/** Looks take at most one twentieth of the time. */
const restPerLook = 20
/** Of one peer no more is taken, and by back-pressure sent: five thousand changes a second. A flood costs some hundredths of a core. */
const msPerChange = 0.2
/**
 * How long a request to hear a peer may take to get there: what that peer did meanwhile is asked for, too. Milliseconds.
 */
const requestSlackMs = 10_000
/** A peer that doesn't tell by itself may have got a newer version meanwhile. */
const askAgainMs = 600_000

/**
 * How pins go on all other members, heard for as long as somebody here listens and a minute longer. Peers that speak our protocol tell it
 * by a stream each; after an interruption it goes on where it had ended. The others are looked at (`PolledStatuses`).
 */
export class StatusesElsewhere {
  readonly #deps: StatusesElsewhereDeps
  readonly #peers = new Map<PeerId, FollowedPeer>()
  #listeners = 0
  #hearsSince: number | undefined
  #cancelEnd = (): void => {}

  constructor (deps: StatusesElsewhereDeps) { this.#deps = deps }

  get hears (): boolean { return this.#hearsSince != null }

  /** Whoever listens; the returned function ends that. */
  listen (): () => void {
    this.#listeners++
    this.#cancelEnd()
    this.#hearsSince ??= this.#deps.clock.elapsed()
    return () => {
      if (--this.#listeners === 0) this.#cancelEnd = this.#deps.clock.after(lingerMs, () => { void this.stop() })
    }
  }

  /** Who the other members are now. */
  members (peers: readonly PeerId[]): void {
    const since = this.#hearsSince
    if (since == null) return
    const now = this.#deps.clock.elapsed()
    for (const peer of peers) {
      if (!this.#peers.has(peer)) this.#peers.set(peer, new FollowedPeer({ peer, since: Math.max(since, now - askAgainMs) }, this.#deps))
    }
    const isMember = new Set(peers)
    for (const [peer, followed] of this.#peers) {
      followed.setMember(isMember.has(peer))
      if (followed.leftAt <= now - askAgainMs) this.#peers.delete(peer)
    }
  }

  pinset (changes: readonly PinsetChange[]): void { for (const followed of this.#peers.values()) followed.pinset(changes) }

  async stop (): Promise<void> {
    this.#cancelEnd()
    this.#hearsSince = undefined
    const peers = [...this.#peers.values()]
    this.#peers.clear()
    await Promise.all(peers.map(async peer => peer.stop()))
  }
}

class FollowedPeer {
  /** When it was no member any more, for one that is none. */
  leftAt = Infinity
  readonly #peer: PeerId
  readonly #deps: StatusesElsewhereDeps
  /** What happened before this is known, or nobody's business. */
  #since: number
  /** Behind what was told, in that peer's log. */
  #place: string | undefined
  /** Until it is known that the peer tells by itself. */
  #polled: PolledStatuses | undefined
  #askAgainAt = -Infinity
  #waitMs = firstPauseMs
  #running: WorkerHandle | undefined

  constructor ({ peer, since }: { peer: PeerId, since: number }, deps: StatusesElsewhereDeps) {
    this.#peer = peer
    this.#since = since
    this.#deps = deps
    this.#polled = this.#newPolled()
  }

  setMember (isMember: boolean): void {
    if (isMember === (this.#running != null)) return
    this.leftAt = isMember ? Infinity : this.#deps.clock.elapsed()
    this.#waitMs = firstPauseMs
    if (isMember)
      this.#running = this.#deps.workers.add({
        name: 'pins of another peer', jitter: 0.2, intervalMs: () => this.#waitMs, work: async signal => this.#hear(signal)
      })
    else void this.stop()
  }

  pinset (changes: readonly PinsetChange[]): void { this.#polled?.pinset(changes) }

  async stop (): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.stop()
  }

  async #hear (signal: AbortSignal): Promise<'busy' | 'idle'> {
    const { clock, log } = this.#deps
    try {
      if (this.#polled != null && clock.elapsed() < this.#askAgainAt) await this.#look(this.#polled, signal)
      else await this.#follow(signal)
    } catch (err) {
      signal.throwIfAborted()
      if (isClusterError(err, 'UNSUPPORTED')) {
        this.#askAgainAt = clock.elapsed() + askAgainMs
        this.#polled ??= this.#newPolled()
        return 'busy'
      }
      log.debug('a peer does not report the status of its pins', { peer: this.#peer, err })
      this.#waitMs = Math.min(lastPauseMs, this.#waitMs * 2)
    }
    return 'idle'
  }

  async #follow (signal: AbortSignal): Promise<void> {
    const { statuses, clock, told, missed } = this.#deps
    const from = {
      ...(this.#place == null ? {} : { after: this.#place }), sinceMs: Math.ceil(clock.elapsed() - this.#since) + requestSlackMs
    }
    // times are told in whole milliseconds
    const isSince = (agoMs: number): boolean => clock.elapsed() - agoMs >= this.#since - 1
    for await (const news of statuses.follow(this.#peer, from, { signal })) {
      this.#polled = undefined
      this.#waitMs = firstPauseMs
      this.#place = news.place
      if (news.missed) missed(this.#peer)
      for (const change of news.changes) if (isSince(change.agoMs)) told(this.#peer, change)
      await clock.sleep(Math.max(1, msPerChange * news.changes.length), signal)
    }
  }

  async #look (polled: PolledStatuses, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    const began = this.#since = clock.elapsed()
    await polled.look(signal)
    this.#waitMs = Math.max(lookEveryMs, restPerLook * (clock.elapsed() - began))
  }

  #newPolled (): PolledStatuses {
    const { remotes, clock, told, missed } = this.#deps
    return new PolledStatuses(this.#peer, {
      remotes, clock, told: change => told(this.#peer, { ...change, agoMs: 0 }), missed: () => missed(this.#peer)
    })
  }
}
