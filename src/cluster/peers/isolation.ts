import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Members } from './members.ts'

/** Peers that this one was told to connect to: `peer_addresses`, its peerstore, those that it was to join. */
export interface ExpectedPeers {
  /** Without this peer itself. */
  expected (): ReadonlySet<PeerId>
  /** The peer was removed from the cluster: nobody misses it. It may be connected to all the same. */
  forget (peer: PeerId): void
}

export interface IsolationInit { monitorPingIntervalMs: number }

export interface IsolationDeps {
  members: Pick<Members, 'list' | 'missing'>
  /** Without it only peers are expected that were heard before. */
  expectedPeers?: Pick<ExpectedPeers, 'expected'> | undefined
  clock: Pick<Clock, 'elapsed'>
}

/**
 * Whether this peer knows others and reaches none of them: with another secret than theirs, behind a closed port, or because all of them
 * are gone. A peer that knows nobody isn't isolated, it is the only one.
 */
export class Isolation {
  readonly #init: IsolationInit
  readonly #deps: IsolationDeps
  #startedAt: number | undefined

  constructor (init: IsolationInit, deps: IsolationDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** The peer begins to look for others; it has as long for that as a member may be silent. */
  start (): void { this.#startedAt = this.#deps.clock.elapsed() }

  isIsolated (): boolean {
    const { members, expectedPeers, clock } = this.#deps
    if (this.#startedAt == null || clock.elapsed() - this.#startedAt < 2 * this.#init.monitorPingIntervalMs) return false
    if (members.list().length > 1) return false
    return (expectedPeers?.expected().size ?? 0) > 0 || members.missing().length > 0
  }
}
