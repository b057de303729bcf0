import type { Clock } from '../../base/clock.ts'
import type { CID, MultiaddrText, PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { zeroTime } from '../../model/time.ts'
import type { Operation } from './operation-table.ts'
import { stateFacts } from './operation-states.ts'

/** What a peer says of itself in every row; from its own latest ping metric. */
export interface TrackerIdentity { peerName: string, ipfsPeerId: PeerId, ipfsPeerAddresses: MultiaddrText[] }

export interface PinInfosDeps { clock: Clock, identity: () => TrackerIdentity }

/** A list of many rows asks who we are once in a while, not for each row. */
const identityAgeMs = 1000

/** Makes the rows of status lists (pintracker/stateless, api/types.go). */
export class PinInfos {
  readonly #self: PeerId
  readonly #deps: PinInfosDeps
  #who: { identity: TrackerIdentity, until: number } | undefined

  constructor (self: PeerId, deps: PinInfosDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** Not in the pinset: only the CID is known. */
  unpinned (cid: CID): PinInfo {
    return this.#row({ cid, status: 'unpinned', timestamp: this.#deps.clock.now() })
  }

  ofPin (pin: Pin, status: TrackerStatus, error = ''): PinInfo {
    return this.#row({ cid: pin.cid, pin, status, timestamp: pin.timestamp, error })
  }

  ofOperation (cid: CID, operation: Operation, pin: Pin | undefined): PinInfo {
    const status = operation.state === 'idle' ? 'undefined' : stateFacts[operation.state].status
    return this.#row({
      cid, pin, status, timestamp: operation.since, error: operation.error, attempts: operation.attempts, priority: operation.priority
    })
  }

  #row (facts: {
    cid: CID, status: TrackerStatus, timestamp: number, pin?: Pin | undefined, error?: string, attempts?: number, priority?: boolean
  }): PinInfo {
    const { pin } = facts
    const who = this.identity()
    return {
      cid: facts.cid,
      name: pin?.name ?? '',
      allocations: pin?.allocations ?? null,
      origins: pin?.origins ?? null,
      created: pin?.timestamp ?? zeroTime,
      metadata: pin?.metadata ?? null,
      peer: this.#self,
      peerName: who.peerName,
      ipfsPeerId: who.ipfsPeerId,
      ipfsPeerAddresses: who.ipfsPeerAddresses,
      status: facts.status,
      timestamp: facts.timestamp,
      error: facts.error ?? '',
      attemptCount: facts.attempts ?? 0,
      priorityPin: facts.priority ?? false
    }
  }

  /** Of this peer, at most a second old. */
  identity (): TrackerIdentity {
    const now = this.#deps.clock.elapsed()
    if (this.#who == null || now >= this.#who.until) this.#who = { identity: this.#deps.identity(), until: now + identityAgeMs }
    return this.#who.identity
  }
}
