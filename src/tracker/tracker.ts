import type { CID } from 'multiformats/cid'
import type { Startable } from '../base/lifecycle.ts'
import type { Pin } from '../model/pin.ts'
import type { PinInfo } from '../model/pin-info.ts'
import type { StatusFilter, TrackerStatus } from '../model/status.ts'

export interface TrackerOptions { signal?: AbortSignal }

/** The place in the queue of this peer, 1 for the next (priority pins come first), and in how long its turn comes by the pace of late. */
export interface QueueTurn {
  /** Estimated where there are several queues of pins. */
  place: number
  inMs: number | null
  /** Its queue, if that is another than the default one. */
  queue?: string
  /** Why nothing of that queue begins now: it has had its rate, or runs as many as it may. */
  limit?: 'rate' | 'at once'
}

/** A tracked operation as `GET /pins/{cid}/progress` shows it, next to the node's own progress. Times are Unix milliseconds. */
export interface OperationProgress {
  type: 'pin' | 'unpin' | 'remote' | 'shard'
  phase: 'error' | 'queued' | 'in_progress'
  since: number
  attempts: number
  error: string
  /** How many operations wait in the same queue. */
  queueLength: number
  /** Of one that waits. */
  turn?: QueueTurn
  /** When the recover loop will try again; null while the operation is under way. */
  nextTryAt: number | null
}

/** What became of an operation of this peer: the status that the item has here from now on. `cid` is made when it is asked for. */
export interface OperationChange { cid (): CID, readonly status: TrackerStatus, readonly error: string, readonly attempts: number }

/**
 * Makes the IPFS node agree with the pinset, on this peer only. Keeps in memory just the operations that wait, run or failed; everything
 * else is computed from the pinset and the node (pintracker/stateless). Failed unpins survive a restart.
 *
 * `track` and `untrack` return at once and never throw: what goes wrong becomes a status. A newer call for a CID cancels the older
 * operation unless it is of the same kind and still waits or runs.
 *
 * A pin that makes no progress doesn't hold others up: when others wait they run beside it. A pin during which the process ended without a
 * stop doesn't begin with the next start: it waits (`pin_queued`, with the reason as its error), longer after each time, and runs when no
 * other such pin does.
 */
export interface PinTracker extends Startable {
  /** The pinset has this pin now: pin it here, or see to it that it isn't here when others have it. */
  track (pin: Pin): void
  /** The pinset has it no more: unpin it here. */
  untrack (cid: CID): void
  /** Asks the IPFS node unless an operation says it. */
  status (cid: CID, options?: TrackerOptions): Promise<PinInfo>
  /** In batches. Answered from the operations alone when the filter has none of pinned, unexpectedly_unpinned, sharded, remote. */
  statusAll (filter: StatusFilter, options?: TrackerOptions): AsyncIterable<PinInfo[]>
  /**
   * The same as JSON lines, each a GlobalPinInfo with this peer alone in its map, exactly as `StatusPrinter` prints it; in chunks of about
   * 64 KiB that end with a newline.
   */
  statusLines (filter: StatusFilter, options?: TrackerOptions): AsyncIterable<Uint8Array>
  /** Queues what failed or is missing; answers the status afterwards. */
  recover (cid: CID, options?: TrackerOptions): Promise<PinInfo>
  /** The same for the whole pinset; yields only what was queued again. */
  recoverAll (options?: TrackerOptions): AsyncIterable<PinInfo[]>
  /** The operation of an item; undefined when none waits, runs or failed. */
  operation (cid: CID): OperationProgress | undefined
  /** Pins that wait, priority ones included; what the pinqueue metric shows. */
  queueLength (): number
  /** Pins that wait because the process ended during them. */
  setAsideCount (): number
}
