import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError, isClusterError } from '../../src/base/errors.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { StatusFilter, TrackerStatus } from '../../src/model/status.ts'
import { errorStatuses, parseStatusFilter } from '../../src/model/status.ts'
import { zeroTime } from '../../src/model/time.ts'
import type { PinTracker } from '../../src/tracker/tracker.ts'
import type { SimClock } from '../support/sim-clock.ts'
import type { FakePinset, TrackedNode } from '../support/tracked-node.ts'
import { aPin, cidNumber, gathered } from '../support/tracked-node.ts'

export interface TrackerSettings { self: PeerId, maxPinQueueSize: number, concurrentPins: number, priorityPinMaxAgeMs: number, priorityPinMaxRetries: number, pinRecoverIntervalMs: number }

/** A started tracker with its surroundings. */
export interface TrackerHarness {
  tracker: PinTracker
  pinset: FakePinset
  node: TrackedNode
  clock: SimClock
  /** Stops the tracker and starts a new one over what is on the disk. */
  restart (): Promise<PinTracker>
}

export const trackerSettings: TrackerSettings = {
  self: '12D3KooWSelf',
  maxPinQueueSize: 1000,
  concurrentPins: 10,
  priorityPinMaxAgeMs: 24 * 3_600_000,
  priorityPinMaxRetries: 1,
  pinRecoverIntervalMs: 720_000
}

const elsewhere: Partial<Pin> = { replicationFactorMin: 1, replicationFactorMax: 1, allocations: ['12D3KooWOther'] }
const meta: Partial<Pin> = { type: 'meta-pin', replicationFactorMin: 1, replicationFactorMax: 1, maxDepth: 0 }
const direct: Partial<Pin> = { mode: 'direct', maxDepth: 0 }

/** What every pin tracker promises (daemon §3, decisions: direct pins, failed unpins). */
export function trackerContract (name: string, open: (some: Partial<TrackerSettings>) => Promise<TrackerHarness>): void {
  const opened = async (some: Partial<TrackerSettings> = {}) => {
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

  describe(`pin tracker contract: ${name}`, () => {
    it('pins what is tracked', async () => {
      const { track, settled, node, tracker } = await opened()

      track(aPin(1))
      await settled(1, 'pinned')

      assert.deepEqual(node.calls, ['pin 1'])
      const info = await tracker.status(cidNumber(1))
      assert.deepEqual(
        { name: info.name, peer: info.peer, timestamp: info.timestamp, created: info.created, attempts: info.attemptCount, priority: info.priorityPin, error: info.error },
        { name: 'pin 1', peer: trackerSettings.self, timestamp: aPin(1).timestamp, created: aPin(1).timestamp, attempts: 0, priority: false, error: '' })
    })

    it('unpins what is untracked', async () => {
      const { track, untrack, settled, node, tracker, clock } = await opened()
      track(aPin(1))
      await settled(1, 'pinned')

      untrack(cidNumber(1))
      await settled(1, 'unpinned')

      assert.equal(node.roots.size, 0)
      const info = await tracker.status(cidNumber(1))
      assert.deepEqual([info.name, info.allocations, info.created, info.timestamp], ['', null, zeroTime, clock.now()])
    })

    it('shows queued, pinning and unpinning operations with their attempts and priority', async () => {
      const { track, untrack, node, tracker, settled, list } = await opened({ concurrentPins: 1 })
      node.hold('pin 1')
      node.hold('unpin 3')

      track(aPin(1), aPin(2))
      untrack(cidNumber(3))
      await settled(1, 'pinning')

      const [running, waiting, leaving] = await Promise.all([1, 2, 3].map(async n => await tracker.status(cidNumber(n))))
      assert.deepEqual([running?.attemptCount, running?.priorityPin], [1, true])
      assert.deepEqual([waiting?.status, waiting?.attemptCount, waiting?.priorityPin], ['pin_queued', 0, true])
      assert.deepEqual([leaving?.status, leaving?.attemptCount, leaving?.priorityPin], ['unpinning', 1, false])
      assert.deepEqual(await list(), { 'pin 1': 'pinning', 'pin 2': 'pin_queued' })
      assert.equal(tracker.queueLength(), 1)
    })

    it('cancels a running pin when the item is untracked, and unpins only after the pin has ended', async () => {
      const { track, untrack, node, settled } = await opened()
      node.hold('pin 1')
      track(aPin(1))
      await settled(1, 'pinning')

      untrack(cidNumber(1))
      await settled(1, 'unpinned')

      assert.deepEqual(node.calls, ['pin 1', 'aborted pin 1', 'unpin 1'])
    })

    it('drops a waiting pin when the item is untracked', async () => {
      const { track, untrack, node, settled } = await opened({ concurrentPins: 1 })
      const release = node.hold('pin 1')
      track(aPin(1), aPin(2))
      await settled(2, 'pin_queued')

      untrack(cidNumber(2))
      release()
      await settled(2, 'unpinned')

      assert.ok(!node.calls.includes('pin 2'))
    })

    it('cancels a running unpin when the item is tracked again', async () => {
      const { track, untrack, node, settled } = await opened()
      track(aPin(1))
      await settled(1, 'pinned')
      node.hold('unpin 1')
      untrack(cidNumber(1))
      await settled(1, 'unpinning')

      track(aPin(1))
      await settled(1, 'pinned')

      assert.deepEqual(node.calls, ['pin 1', 'unpin 1', 'aborted unpin 1', 'pin 1'])
      assert.equal(node.roots.size, 1)
    })

    it('leaves an operation of the same kind alone', async () => {
      const { track, untrack, node, settled } = await opened({ concurrentPins: 1 })
      node.hold('pin 1')
      node.hold('unpin 3')
      track(aPin(1), aPin(2))
      untrack(cidNumber(3))
      await settled(1, 'pinning')

      track(aPin(1), aPin(2))
      untrack(cidNumber(3))
      await settled(1, 'pinning')

      assert.deepEqual(node.calls, ['pin 1', 'unpin 3'])
    })

    it('pins once more when the mode was changed while the pin ran', async () => {
      const { track, node, settled } = await opened()
      const release = node.hold('pin 1')
      track(aPin(1, direct))
      await settled(1, 'pinning')

      track(aPin(1))
      node.behaviours.clear()
      release()
      await settled(1, 'pinned')

      assert.deepEqual([...node.roots.values()], ['recursive'])
    })

    it('tells statuses alike in lists and singly: direct, sharded, remote, missing', async () => {
      const { pinset, node, tracker, list, statusOf } = await opened()
      pinset.put(aPin(1), aPin(2, direct), aPin(3, meta), aPin(4, elsewhere), aPin(5), aPin(6, { type: 'clusterdag-pin', ...direct }))
      node.roots.set(cidNumber(1).toString(), 'recursive')
      node.roots.set(cidNumber(2).toString(), 'direct')
      node.roots.set(cidNumber(6).toString(), 'direct')

      const listed = await list()

      const expected = { 'pin 1': 'pinned', 'pin 2': 'pinned', 'pin 3': 'sharded', 'pin 4': 'remote', 'pin 5': 'unexpectedly_unpinned', 'pin 6': 'pinned' }
      assert.deepEqual(listed, expected)
      assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6].map(statusOf)), Object.values(expected))
      assert.equal((await tracker.status(cidNumber(5))).error, 'the item should be pinned but it is not')
      assert.equal(node.openViews, 0)
    })

    it('calls a direct root missing when the item is recursive', async () => {
      const { pinset, node, list, statusOf } = await opened()
      pinset.put(aPin(1))
      node.roots.set(cidNumber(1).toString(), 'direct')

      assert.deepEqual(await list(), { 'pin 1': 'unexpectedly_unpinned' })
      assert.equal(await statusOf(1), 'unexpectedly_unpinned')
    })

    it('is content with a recursive root where a direct one is asked for', async () => {
      const { track, untrack, node, settled, list } = await opened()
      track(aPin(1))
      await settled(1, 'pinned')

      untrack(cidNumber(1))
      track(aPin(1, direct))
      await settled(1, 'pinned')

      assert.deepEqual(await list(), { 'pin 1': 'pinned' })
      assert.deepEqual(node.calls, ['pin 1', 'pin 1'])
    })

    it('treats factors 0/0 without allocations as remote', async () => {
      const { track, node, settled } = await opened()

      track(aPin(1, { replicationFactorMin: 0, replicationFactorMax: 0 }))
      await settled(1, 'remote')

      assert.deepEqual(node.calls, ['unpin 1'])
    })

    it('ignores meta pins', async () => {
      const { track, node, settled } = await opened()

      track(aPin(1, meta))
      await settled(1, 'sharded')

      assert.deepEqual(node.calls, [])
    })

    it('unpins what is allocated elsewhere; the status is remote even when that fails', async () => {
      const { track, node, settled, tracker } = await opened()
      track(aPin(1), aPin(2))
      await settled(2, 'pinned')
      node.fail('unpin 2')

      track(aPin(1, elsewhere), aPin(2, elsewhere))
      await settled(2, 'remote')

      assert.deepEqual([...node.roots.keys()], [cidNumber(2).toString()])
      assert.equal((await tracker.status(cidNumber(2))).error, 'unpin 2 fails')
    })

    it('keeps the text of a failed pin and tries again on recover, counting attempts; after the allowed retries without priority', async () => {
      const { track, node, tracker, settled } = await opened({ priorityPinMaxRetries: 1 })
      node.fail('pin 1')
      const seen: unknown[] = []

      track(aPin(1))
      for (let attempt = 1; attempt <= 3; attempt++) {
        await settled(1, 'pin_error')
        const { error, attemptCount, priorityPin } = await tracker.status(cidNumber(1))
        seen.push([error, attemptCount, priorityPin])
        const { status, attemptCount: kept } = await tracker.recover(cidNumber(1))
        assert.deepEqual([status, kept], ['pin_queued', attempt])
      }

      assert.deepEqual(seen, [['pin 1 fails', 1, true], ['pin 1 fails', 2, true], ['pin 1 fails', 3, false]])
    })

    it('counts attempts anew for another kind of operation', async () => {
      const { track, untrack, node, tracker, settled } = await opened()
      node.fail('pin 1')
      node.fail('unpin 1')
      track(aPin(1))
      await settled(1, 'pin_error')
      await tracker.recover(cidNumber(1))
      await settled(1, 'pin_error')

      untrack(cidNumber(1))
      await settled(1, 'unpin_error')
      assert.equal((await tracker.status(cidNumber(1))).attemptCount, 1)
      untrack(cidNumber(1))
      await settled(1, 'unpin_error')

      assert.equal((await tracker.status(cidNumber(1))).attemptCount, 2)
    })

    it('gives priority to young pins', async () => {
      const { track, node, clock, settled } = await opened({ concurrentPins: 1 })
      const release = node.hold('pin 1')
      const old = clock.now() - 25 * 3_600_000

      track(aPin(1), aPin(2, { timestamp: old }), aPin(3))
      await settled(3, 'pin_queued')
      release()
      await settled(2, 'pinned')

      assert.deepEqual(node.calls, ['pin 1', 'pin 3', 'pin 2'])
    })

    it('recovers what is missing and leaves healthy, unknown and remote items alone', async () => {
      const { pinset, node, tracker, settled } = await opened()
      pinset.put(aPin(1), aPin(2), aPin(3, elsewhere))
      node.roots.set(cidNumber(2).toString(), 'recursive')

      const recovered = await Promise.all([1, 2, 3, 4].map(async n => (await tracker.recover(cidNumber(n))).status))
      await settled(1, 'pinned')

      assert.deepEqual(recovered, ['pin_queued', 'pinned', 'remote', 'unpinned'])
      assert.deepEqual(node.calls, ['pin 1'])
    })

    it('recovers the whole pinset and yields only what it queued; direct pins are not queued again', async () => {
      const { pinset, track, node, tracker, settled } = await opened()
      node.fail('pin 4')
      track(aPin(4))
      await settled(4, 'pin_error')
      pinset.put(aPin(1), aPin(2, direct), aPin(3), aPin(5, elsewhere), aPin(6, meta))
      node.roots.set(cidNumber(2).toString(), 'direct')
      node.roots.set(cidNumber(3).toString(), 'recursive')

      const rows = await gathered(tracker.recoverAll())

      assert.deepEqual(rows.map(row => [row.name, row.status]), [['pin 4', 'pin_queued'], ['pin 1', 'pin_queued']])
      assert.equal(node.openViews, 0)
    })

    it('drops a failed pin that has left the pinset without a word', async () => {
      const { track, pinset, node, tracker, settled } = await opened()
      node.fail('pin 1')
      track(aPin(1))
      await settled(1, 'pin_error')

      pinset.remove(cidNumber(1))
      const rows = await gathered(tracker.recoverAll())

      assert.deepEqual(rows, [])
      await settled(1, 'unpinned')
    })

    it('does not pin what left the pinset while it waited', async () => {
      const { track, pinset, node, settled } = await opened({ concurrentPins: 1 })
      const release = node.hold('pin 1')
      track(aPin(1), aPin(2))
      await settled(1, 'pinning')

      pinset.remove(cidNumber(2))
      release()
      await settled(2, 'unpinned')

      assert.deepEqual(node.calls, ['pin 1'])
    })

    it('answers filters about operations without asking the node', async () => {
      const { track, node, tracker, settled, list } = await opened({ concurrentPins: 1 })
      node.fail('pin 1')
      track(aPin(1), aPin(2))
      await settled(1, 'pin_error')
      node.hold('pin 3')
      track(aPin(3), aPin(4))
      await settled(3, 'pinning')
      node.isAway = true

      assert.deepEqual(await list(errorStatuses), { 'pin 1': 'pin_error' })
      assert.deepEqual(await list(parseStatusFilter('pinning,queued')), { 'pin 3': 'pinning', 'pin 4': 'pin_queued' })
      assert.deepEqual(await list(parseStatusFilter('unpinned')), {})
      assert.deepEqual(await gathered(tracker.statusAll(parseStatusFilter('unpinning'))), [])
      assert.equal(node.views, 0)
    })

    it('lists by filter', async () => {
      const { pinset, node, list } = await opened()
      pinset.put(aPin(1), aPin(2), aPin(3, elsewhere), aPin(4, meta))
      node.roots.set(cidNumber(1).toString(), 'recursive')

      assert.deepEqual(await list(parseStatusFilter('pinned')), { 'pin 1': 'pinned' })
      assert.deepEqual(await list(parseStatusFilter('unexpectedly_unpinned')), { 'pin 2': 'unexpectedly_unpinned' })
      node.isAway = true
      assert.deepEqual(await list(parseStatusFilter('remote,sharded')), { 'pin 3': 'remote', 'pin 4': 'sharded' })
    })

    it('does not call an item missing that was pinned while the list was read', async () => {
      const { track, node, tracker, settled } = await opened()
      const release = node.hold('pin 1')
      track(aPin(1))
      await settled(1, 'pinning')
      const view = node.pinnedView.bind(node)
      node.pinnedView = async () => {
        const before = await view()
        release()
        await settled(1, 'pinned')
        return before
      }

      const rows = await gathered(tracker.statusAll(0))

      assert.deepEqual(rows.map(row => row.status), ['pinned'])
    })

    it('answers cluster_error singly and fails the list when the node is away', async () => {
      const { pinset, node, tracker } = await opened()
      pinset.put(aPin(1))
      node.isAway = true

      const info = await tracker.status(cidNumber(1))

      assert.deepEqual([info.status, info.error], ['cluster_error', 'connection refused'])
      await assert.rejects(gathered(tracker.statusAll(0)), err => isClusterError(err, 'IPFS_UNAVAILABLE') && err.message === 'could not get pinset from IPFS: connection refused')
      await assert.rejects(gathered(tracker.recoverAll()), err => isClusterError(err, 'IPFS_UNAVAILABLE'))
    })

    it('refuses what finds no room in its queue', async () => {
      const { track, untrack, node, tracker, settled } = await opened({ maxPinQueueSize: 2, concurrentPins: 1 })
      node.behaviour = async (_call, signal) => await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)) })
      track(aPin(1))
      await settled(1, 'pinning')

      track(aPin(2), aPin(3), aPin(4))
      for (let n = 11; n < 20; n++) untrack(cidNumber(n))

      const info = await tracker.status(cidNumber(4))
      assert.deepEqual([info.status, info.error], ['pin_error', 'pin/unpin operation queue is full. Try increasing max_pin_queue_size'])
      assert.equal((await tracker.status(cidNumber(19))).status, 'unpin_error')
      assert.equal(tracker.queueLength(), 2)
    })

    it('leaves missing items alone while there is no room to queue them', async () => {
      const { pinset, track, node, tracker, settled, list } = await opened({ maxPinQueueSize: 1, concurrentPins: 1 })
      node.hold('pin 1')
      track(aPin(1))
      await settled(1, 'pinning')
      pinset.put(aPin(2), aPin(3))

      const rows = await gathered(tracker.recoverAll())

      assert.deepEqual(rows.map(row => row.name), ['pin 2'])
      assert.deepEqual(await list(parseStatusFilter('unexpectedly_unpinned')), { 'pin 3': 'unexpectedly_unpinned' })
    })

    describe('failed unpins', () => {
      it('show to those who ask for them, and are tried again by the recover loop until they succeed', async () => {
        const { track, untrack, node, tracker, settled, list } = await opened()
        track(aPin(1))
        await settled(1, 'pinned')
        node.fail('unpin 1')
        untrack(cidNumber(1))
        await settled(1, 'unpin_error')

        assert.deepEqual(await list(), {})
        assert.equal((await gathered(tracker.statusAll(parseStatusFilter('unpin_error')))).length, 1)
        assert.equal((await gathered(tracker.statusAll(parseStatusFilter('pinned,unpin_error')))).length, 1)
        node.behaviours.clear()
        const rows = await gathered(tracker.recoverAll())
        await settled(1, 'unpinned')

        assert.deepEqual(rows.map(row => row.status), ['unpin_queued'])
        assert.equal(node.roots.size, 0)
      })

      it('survive a restart', async () => {
        const { track, untrack, node, settled, restart } = await opened()
        track(aPin(1), aPin(2))
        await settled(2, 'pinned')
        node.fail('unpin 1')
        track(aPin(2, elsewhere))
        await settled(2, 'remote')
        untrack(cidNumber(1))
        await settled(1, 'unpin_error')

        const again = await restart()
        const { status, error, attemptCount } = await again.status(cidNumber(1))
        node.behaviours.clear()
        await gathered(again.recoverAll())

        assert.deepEqual([status, error, attemptCount], ['unpin_error', 'unpin 1 fails', 1])
        assert.equal(node.roots.size, 0)
        assert.equal((await gathered((await restart()).statusAll(parseStatusFilter('unpin_error')))).length, 0)
      })

      it('include those that had no turn before the stop', async () => {
        const { track, untrack, node, settled, restart } = await opened()
        track(aPin(1))
        await settled(1, 'pinned')
        node.hold('unpin 1')
        untrack(cidNumber(1))
        await settled(1, 'unpinning')

        const again = await restart()
        node.behaviours.clear()
        await gathered(again.recoverAll())

        assert.equal(node.roots.size, 0)
      })

      it('include failed clean-ups of what others hold', async () => {
        const { track, node, settled, restart, clock } = await opened()
        track(aPin(1))
        await settled(1, 'pinned')
        node.fail('unpin 1')
        track(aPin(1, elsewhere))
        await settled(1, 'remote')

        const again = await restart()
        node.behaviours.clear()
        await gathered(again.recoverAll())
        await clock.settle()

        assert.equal(node.roots.size, 0)
      })

      it('are forgotten when the item is pinned again', async () => {
        const { track, untrack, node, settled, restart } = await opened()
        track(aPin(1))
        await settled(1, 'pinned')
        node.fail('unpin 1')
        untrack(cidNumber(1))
        await settled(1, 'unpin_error')

        track(aPin(1))
        await settled(1, 'pinned')
        node.behaviours.clear()
        const again = await restart()
        await gathered(again.recoverAll())

        assert.equal((await again.status(cidNumber(1))).status, 'pinned')
        assert.equal(node.roots.size, 1)
      })

      it('are not tried when the item has come back to the pinset meanwhile', async () => {
        const { track, untrack, node, settled, pinset, restart, clock } = await opened()
        track(aPin(1))
        await settled(1, 'pinned')
        node.fail('unpin 1')
        untrack(cidNumber(1))
        await settled(1, 'unpin_error')
        pinset.put(aPin(1))
        node.behaviours.clear()
        node.calls.length = 0

        const again = await restart()
        await gathered(again.recoverAll())
        await clock.settle()

        assert.ok(!node.calls.includes('unpin 1'))
        assert.equal((await again.status(cidNumber(1))).status, 'pinned')
      })

      it('that the configuration refused are neither tried again nor kept', async () => {
        const { untrack, node, tracker, settled, restart } = await opened()
        node.fail('unpin 1', new ClusterError('PIN_REFUSED', {}, { message: 'ipfs unpinning is disallowed by configuration on this peer' }))
        untrack(cidNumber(1))
        await settled(1, 'unpin_error')

        const rows = await gathered(tracker.recoverAll())

        assert.deepEqual(rows, [])
        assert.equal(tracker.operation(cidNumber(1))?.nextTryAt, null)
        assert.equal((await (await restart()).status(cidNumber(1))).status, 'unpinned')
      })
    })

    it('tells what an operation is at', async () => {
      const { track, node, tracker, clock, settled } = await opened({ concurrentPins: 1 })
      node.fail('pin 1')
      const since = clock.now()
      track(aPin(1))
      await settled(1, 'pin_error')
      node.hold('pin 2')
      track(aPin(2), aPin(3))
      await settled(2, 'pinning')

      assert.deepEqual(tracker.operation(cidNumber(1)), {
        type: 'pin', phase: 'error', since, attempts: 1, error: 'pin 1 fails', queueLength: 1, nextTryAt: since + trackerSettings.pinRecoverIntervalMs
      })
      assert.deepEqual([tracker.operation(cidNumber(2))?.phase, tracker.operation(cidNumber(3))?.phase], ['in_progress', 'queued'])
      assert.equal(tracker.operation(cidNumber(4)), undefined)
    })

    it('aborts what runs when it stops', async () => {
      const { track, node, tracker, settled } = await opened()
      node.hold('pin 1')
      track(aPin(1))
      await settled(1, 'pinning')

      await tracker.stop()
      await tracker.stop()
      tracker.track(aPin(2))
      tracker.untrack(cidNumber(3))

      assert.deepEqual(node.calls, ['pin 1', 'aborted pin 1'])
    })
  })
}
