import assert from 'node:assert/strict'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { QueueRules } from '../../src/model/queue-rules.ts'
import type { StatusFilter, TrackerStatus } from '../../src/model/status.ts'
import type { PinTracker } from '../../src/tracker/tracker.ts'
import type { SimClock } from '../support/sim-clock.ts'
import type { FakePinset, TrackedNode } from '../support/tracked-node.ts'
import { cidNumber, gathered } from '../support/tracked-node.ts'

export interface TrackerSettings {
  self: PeerId, maxPinQueueSize: number, concurrentPins: number, priorityPinMaxAgeMs: number, priorityPinMaxRetries: number,
  pinRecoverIntervalMs: number, queues?: QueueRules
}

/** A started tracker with its surroundings. */
export interface TrackerHarness {
  tracker: PinTracker
  pinset: FakePinset
  node: TrackedNode
  clock: SimClock
  /** Stops the tracker and starts a new one over what is on the disk. */
  restart (): Promise<PinTracker>
  /** Starts a new one without stopping the old, as after a crash. What the old one had under way never comes to an end. */
  crash (): Promise<PinTracker>
}

export const trackerSettings: TrackerSettings = {
  self: '12D3KooWSelf',
  maxPinQueueSize: 1000,
  concurrentPins: 10,
  priorityPinMaxAgeMs: 24 * 3_600_000,
  priorityPinMaxRetries: 1,
  pinRecoverIntervalMs: 720_000
}

/** Other parts of a pin: allocated to another peer, for one peer's metadata, direct. */
export const elsewhere: Partial<Pin> = { replicationFactorMin: 1, replicationFactorMax: 1, allocations: ['12D3KooWOther'] }
export const meta: Partial<Pin> = { type: 'meta-pin', replicationFactorMin: 1, replicationFactorMax: 1, maxDepth: 0 }
export const direct: Partial<Pin> = { mode: 'direct', maxDepth: 0 }

export type OpenTracker = (some: Partial<TrackerSettings>) => Promise<TrackerHarness>

/** What the tests of the contract do with a tracker. */
export interface TrackerInHand extends TrackerHarness {
  track (...pins: Pin[]): void
  untrack (cid: CID): void
  statusOf (n: number): Promise<TrackerStatus>
  /** Status by name. */
  list (filter?: StatusFilter): Promise<Record<string, TrackerStatus>>
  /** Lets all that can go on go on, and looks for the status. */
  settled (n: number, status: TrackerStatus): Promise<void>
}

export async function inHand (open: OpenTracker, some: Partial<TrackerSettings> = {}): Promise<TrackerInHand> {
  const harness = await open(some)
  const track = (...pins: Pin[]): void => {
    harness.pinset.put(...pins)
    for (const pin of pins) harness.tracker.track(pin)
  }
  const untrack = (cid: CID): void => {
    harness.pinset.remove(cid)
    harness.tracker.untrack(cid)
  }
  const statusOf = async (n: number): Promise<TrackerStatus> => (await harness.tracker.status(cidNumber(n))).status
  const list = async (filter: StatusFilter = 0): Promise<Record<string, TrackerStatus>> =>
    Object.fromEntries((await gathered(harness.tracker.statusAll(filter))).map(info => [info.name, info.status]))
  const settled = async (n: number, status: TrackerStatus): Promise<void> => {
    await harness.clock.settle()
    assert.equal(await statusOf(n), status)
  }
  return { ...harness, track, untrack, statusOf, list, settled }
}
