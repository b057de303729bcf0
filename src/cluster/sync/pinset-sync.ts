import type { Clock } from '../../base/clock.ts'
import { isClusterError, messageOf } from '../../base/errors.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import { claimOf } from '../../consensus/pinset-digest.ts'
import type { PinsetDigests } from '../../consensus/pinset-digest.ts'
import { tryParseCid } from '../../model/cid.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { isDiscarded, nanoseconds } from '../../model/metric.ts'
import { parsePinsetClaim, pinsetMetric } from '../../model/pinset-metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { RemotePinsets } from '../../network/remote-pinsets.ts'
import type { ClusterSync, PeerSync } from '../cluster-api.ts'
import type { Members } from '../peers/members.ts'
import { differenceOf } from './difference.ts'
import { SyncWatch } from './sync-watch.ts'
import type { Heard, SyncRow } from './sync-watch.ts'

export interface PinsetSyncInit {
  stateSyncIntervalMs: number
  monitorPingIntervalMs: number
}

export interface PinsetSyncDeps {
  consensus: Pick<Consensus, 'trusts' | 'onChange'>
  /** Without it nothing is known of anybody. */
  digests?: PinsetDigests | undefined
  /** Without it peers are compared by what they tell alone. */
  remotePinsets?: RemotePinsets | undefined
  monitor: Pick<Monitor, 'lastKnown'>
  members: Members
  clock: Clock
  log: Logger
}

/** Comparisons with a suspect. `waiting`: what both had at one of them, until each has merged that of the other. */
interface Looks {
  nextAt: number, settled: number, waiting: { look: number, ours: readonly CID[], theirs: readonly CID[] } | undefined
}

/** Keys that are compared with a peer that may be silently different. */
const keysCompared = 1000
const headsCompared = 256

/**
 * Looks again and again whether the pinsets of the other peers are the same as this one's, and says so when they aren't. Heads of others
 * that stay away are fetched from who named them.
 */
export class PinsetSync {
  readonly #init: PinsetSyncInit
  readonly #deps: PinsetSyncDeps
  readonly #watch: SyncWatch
  readonly #listeners = new Listeners<PeerSync>()
  /** Peers that are out of sync. */
  readonly #out = new Set<PeerId>()
  readonly #looks = new Map<PeerId, Looks>()
  /** Numbers all looks: a later one has the greater number, also of a peer that was forgotten meanwhile. */
  #looked = 0

  constructor (init: PinsetSyncInit, deps: PinsetSyncDeps) {
    this.#init = init
    this.#deps = deps
    this.#watch = new SyncWatch({ intervalMs: init.stateSyncIntervalMs, passMs: this.#passMs })
  }

  get #passMs (): number { return Math.min(this.#init.monitorPingIntervalMs, this.#init.stateSyncIntervalMs / 8) }

  /** A row for each other member. */
  rows (): PeerSync[] {
    const rows = new Map(this.#watch.rows().map(row => [row.peer, row]))
    const { members } = this.#deps
    return members.list().filter(peer => peer !== members.self).map(peer => {
      const row = rows.get(peer)
      return row == null
        ? {
          peer, peerName: members.ping(peer).peerName, isTrusted: this.#deps.consensus.trusts(peer), state: 'unknown', since: null,
          by: null, pins: null, digest: null, heads: []
        }
        : this.#row(row)
    })
  }

  /** This peer's own pinset; null while it is being counted. */
  own (): ClusterSync['own'] {
    const point = this.#deps.digests?.point()
    return point == null ? null : { ...point, heads: point.heads.map(String) }
  }

  /** Trusted peers that are out of sync with this one. */
  outOfSync (): PeerId[] {
    return this.#watch.rows().filter(
      ({ peer, state }) => state === 'out_of_sync' && this.#deps.consensus.trusts(peer)
    ).map(({ peer }) => peer)
  }

  /** Heads of trusted peers have been missing for longer than an interval. */
  get isBehind (): boolean {
    return this.#watch.missing(this.#init.stateSyncIntervalMs).some(({ peer }) => this.#deps.consensus.trusts(peer))
  }

  /** Called when a peer gets out of sync, and when it is so no more. */
  onChange (listener: (row: PeerSync) => void): () => void { return this.#listeners.add(listener) }

  /** To compare takes as long as the other peer does; the watch goes on meanwhile. */
  workers (): Worker[] {
    const intervalMs = (): number => this.#passMs
    return [
      {
        name: 'pinset sync', intervalMs,
        work: async () => {
          this.#pass()
          return 'idle'
        }
      },
      {
        name: 'pinset comparison', intervalMs,
        work: async signal => {
          await this.#compareSuspects(signal)
          return 'idle'
        }
      }
    ]
  }

  #pass (): void {
    const { digests, clock, consensus } = this.#deps
    if (digests == null) return
    const point = digests.point()
    const own = point == null ? undefined : claimOf(point)
    const merged = (head: string): boolean => {
      const cid = tryParseCid(head)
      return cid != null && digests.isMerged(cid)
    }
    const ownHeads = (point?.heads ?? []).map(String)
    this.#tell(this.#watch.pass({ now: clock.now(), own, ownHeads, heard: this.#heard(digests), isMerged: merged }))
    for (const { peer, heads } of this.#watch.missing(this.#init.stateSyncIntervalMs / 4)) {
      if (consensus.trusts(peer)) digests.fetch(heads.flatMap(head => tryParseCid(head) ?? []), peer)
    }
  }

  #heard (digests: PinsetDigests): Heard[] {
    const { members } = this.#deps
    const claims = this.#claims()
    const announced = digests.announced()
    const peers = new Set([...members.list(), ...claims.keys()])
    peers.delete(members.self)
    return [...peers].flatMap((peer): Heard[] => {
      const claim = claims.get(peer)
      if (claim != null) return [{ peer, claim, heads: claim.heads }]
      const heads = announced.get(peer)?.heads
      return heads == null ? [] : [{ peer, claim: undefined, heads: heads.map(String) }]
    })
  }

  /**
   * What each peer said of its pinset within the lifetime of such a metric, counted from when it came: the metrics of a peer whose clock is
   * behind are valid for moments only, its membership too, and no look may fall into one of them. Who says that it counts longer, because
   * it speaks less often, is believed for half an interval.
   */
  #claims (): Map<PeerId, ReturnType<typeof parsePinsetClaim>> {
    const { monitor, clock } = this.#deps
    const now = clock.now()
    const since = nanoseconds(now - 2 * this.#init.monitorPingIntervalMs)
    const longest = nanoseconds(now - this.#init.stateSyncIntervalMs / 2)
    const recent = monitor.lastKnown(pinsetMetric).filter(
      metric => metric.receivedAt >= since || (metric.receivedAt >= longest && !isDiscarded(metric, now))
    )
    return new Map(recent.map(({ peer, value }) => [peer, parsePinsetClaim(value)]))
  }

  async #compareSuspects (signal: AbortSignal): Promise<void> {
    const { digests, remotePinsets, consensus, clock, log } = this.#deps
    if (digests == null || remotePinsets == null) return
    const suspects = this.#watch.suspects()
    // who is no suspect for a moment goes on where it was
    for (const peer of this.#looks.keys()) if (!this.#watch.has(peer)) this.#looks.delete(peer)
    for (const peer of suspects) {
      const looks = this.#looks.get(peer) ?? { nextAt: 0, settled: -1, waiting: undefined }
      if (!consensus.trusts(peer) || looks.nextAt > clock.elapsed()) continue
      this.#looks.set(peer, looks)
      looks.nextAt = clock.elapsed() + this.#init.stateSyncIntervalMs / 12
      try {
        this.#tell(await this.#compared(peer, { looks, digests, other: remotePinsets.parts(peer), signal }))
      } catch (err) {
        signal.throwIfAborted()
        if (!isClusterError(err, 'UNSUPPORTED')) log.debug('the pinset of a peer could not be compared', { peer, err: messageOf(err) })
      }
    }
  }

  async #compared (
    peer: PeerId,
    { looks, digests, other, signal }: {
      looks: Looks, digests: PinsetDigests, other: ReturnType<RemotePinsets['parts']>, signal: AbortSignal
    }
  ): Promise<SyncRow[]> {
    const look = this.#looked++
    const { waiting } = looks
    if (
      digests.point()?.isComplete === true && waiting?.theirs.every(head => digests.isMerged(head)) === true
        && await other.areMerged(waiting.ours, { signal })
    ) {
      looks.settled = waiting.look
      looks.waiting = undefined
    }
    const { keys: found } = await differenceOf([digests, other], { most: keysCompared, signal })
    looks.waiting ??= { look, ours: digests.point()?.heads.slice(0, headsCompared) ?? [], theirs: await other.heads({ signal }) }
    const keys = new Map(found.map(({ key, one, other: theirs }) => [key, `${one ?? ''}:${theirs ?? ''}`]))
    return this.#watch.compared(peer, { keys, look, settled: looks.settled, now: this.#deps.clock.now() })
  }

  #tell (changed: readonly SyncRow[]): void {
    for (const row of changed) {
      const { peer, state, claim } = row
      const facts = { peer, state, pins: claim?.pins, digest: claim?.digest, heads: row.heads.slice(0, 4).join(' ') }
      const wasOut = this.#out.delete(peer)
      if (state === 'out_of_sync') this.#out.add(peer)
      if (state === 'out_of_sync' && this.#deps.consensus.trusts(peer))
        this.#deps.log.error(
          'the pinset of a peer differs from ours, and no block is missing on either side. `helia-cluster-ctl health diff` tells where they differ',
          facts
        )
      else if (wasOut) this.#deps.log.info('the pinset of a peer is in sync again', facts)
      else this.#deps.log.debug('the pinset of a peer was compared with ours', facts)
      if (wasOut || state === 'out_of_sync') this.#listeners.emit(this.#row(row))
    }
  }

  #row ({ peer, state, since, claim, heads }: SyncRow): PeerSync {
    const { members, consensus } = this.#deps
    return {
      peer, peerName: members.ping(peer).peerName, isTrusted: consensus.trusts(peer), state, since,
      by: claim == null ? 'heads' : 'digest', pins: claim?.pins ?? null, digest: claim?.digest ?? null, heads: [...heads]
    }
  }
}
