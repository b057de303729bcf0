import { batchesOf } from '../base/batches.ts'
import type { Clock } from '../base/clock.ts'
import { deadline } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { PinsetChange } from '../consensus/consensus.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { PinInfo } from '../model/pin-info.ts'
import { isRemote } from '../model/pin.ts'
import { trackerStatuses, unfinishedStatuses } from '../model/status.ts'
import type { RemotePeers } from '../network/remote-peers.ts'
import type { StatusChange } from '../network/remote-statuses.ts'

export interface PolledStatusesDeps {
  remotes: Pick<RemotePeers, 'status' | 'statusAll'>
  clock: Clock
  told: (change: Omit<StatusChange, 'agoMs'>) => void
  /** There were changes that nobody can tell any more. */
  missed: () => void
}

const mostRows = 4096
const mostAwaited = 4096
const askedInRound = 256
const askedAtOnce = 8
const roundMs = 30_000

type Row = Pick<PinInfo, 'cid' | 'status' | 'error' | 'attemptCount'>

/**
 * What can be seen of how pins go on a peer that doesn't tell by itself: with each look the operations that it has, compared with those of
 * the look before; and of pins whose operation is gone, or that were to begin and aren't among them, how they are now. What comes and goes
 * between two looks isn't seen.
 */
export class PolledStatuses {
  readonly #peer: PeerId
  readonly #deps: PolledStatusesDeps
  #known: ReadonlyMap<string, Row> | undefined
  /** Of these one hears how they end. In the order in which they came. */
  readonly #awaited = new Map<string, CID>()

  constructor (peer: PeerId, deps: PolledStatusesDeps) {
    this.#peer = peer
    this.#deps = deps
  }

  /** What the peer has to do from now on. */
  pinset (changes: readonly PinsetChange[]): void {
    for (const { cid, pin } of changes) if (pin != null && !isRemote(pin, this.#peer)) this.#awaited.set(cid.toString(), cid)
    this.#trim()
  }

  async look (signal: AbortSignal): Promise<void> {
    const late = deadline(this.#deps.clock, roundMs, () => new ClusterError('TIMEOUT', { peer: this.#peer }), signal)
    try {
      const { rows, isWhole } = await this.#operations(late.signal)
      this.#compare(rows)
      if (isWhole) await this.#askEnded(rows, late.signal)
    } finally {
      late.clear()
    }
  }

  async #operations (signal: AbortSignal): Promise<{ rows: Map<string, Row>, isWhole: boolean }> {
    const rows = new Map<string, Row>()
    for await (const batch of this.#deps.remotes.statusAll(this.#peer, unfinishedStatuses, { signal })) {
      for (const { cid, status, error, attemptCount } of batch) {
        if (status !== 'cluster_error') rows.set(cid.toString(), { cid, status, error, attemptCount })
      }
      if (rows.size >= mostRows) return { rows, isWhole: false }
    }
    return { rows, isWhole: true }
  }

  #compare (rows: ReadonlyMap<string, Row>): void {
    const before = this.#known
    for (const [key, row] of rows) {
      // the first look finds what had begun before anybody listened
      if (before == null ? this.#awaited.has(key) : !isSame(before.get(key), row)) this.#tell(row)
      this.#awaited.set(key, row.cid)
    }
    this.#known = rows
    this.#trim()
  }

  /** A few in each look, the oldest first. */
  async #askEnded (rows: ReadonlyMap<string, Row>, signal: AbortSignal): Promise<void> {
    const ended = [...this.#awaited].filter(([key]) => !rows.has(key)).slice(0, askedInRound)
    for (const some of batchesOf(ended, askedAtOnce)) {
      await Promise.all(some.map(async ([key, cid]) => {
        const row = await this.#deps.remotes.status(this.#peer, cid, { signal })
        // it can't say, or has begun again: the next look
        if (row.status === 'cluster_error' || row.status === 'undefined' || (trackerStatuses[row.status] & unfinishedStatuses) !== 0) return
        this.#tell({ ...row, cid })
        this.#awaited.delete(key)
      }))
    }
  }

  #tell ({ cid, status, error, attemptCount }: Row): void { this.#deps.told({
    cid: cid.toString(), status, error, attempts: attemptCount
  }) }

  /** The oldest go. */
  #trim (): void {
    if (this.#awaited.size <= mostAwaited) return
    for (const key of this.#awaited.keys()) {
      if (this.#awaited.size <= mostAwaited) break
      this.#awaited.delete(key)
    }
    this.#deps.missed()
  }
}

const isSame = (before: Row | undefined, { status, error, attemptCount }: Row): boolean =>
  before != null && before.status === status && before.error === error && before.attemptCount === attemptCount
