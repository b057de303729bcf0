import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { parseStatusFilter } from '../../src/model/status.ts'
import { zeroTime } from '../../src/model/time.ts'
import { aPin, cidNumber, gathered } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { direct, elsewhere, inHand, meta, trackerSettings } from './tracker-harness.ts'

/** What every pin tracker promises (pintracker/stateless, decisions: direct pins); recovery has a suite of its own. */
export function trackerContract (name: string, open: OpenTracker): void {
  const opened = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => inHand(open, some)

  describe(`pin tracker contract: ${name}`, () => {
    it('pins what is tracked', async () => {
      const { track, settled, node, tracker } = await opened()

      track(aPin(1))
      await settled(1, 'pinned')

      assert.deepEqual(node.calls, ['pin 1'])
      const info = await tracker.status(cidNumber(1))
      assert.deepEqual(
        {
          name: info.name, peer: info.peer, timestamp: info.timestamp, created: info.created, attempts: info.attemptCount,
          priority: info.priorityPin, error: info.error
        },
        {
          name: 'pin 1', peer: trackerSettings.self, timestamp: aPin(1).timestamp, created: aPin(1).timestamp, attempts: 0, priority: false,
          error: ''
        })
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

      const expected = {
        'pin 1': 'pinned', 'pin 2': 'pinned', 'pin 3': 'sharded', 'pin 4': 'remote', 'pin 5': 'unexpectedly_unpinned', 'pin 6': 'pinned'
      }
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

      assert.deepEqual(await list(parseStatusFilter('error')), { 'pin 1': 'pin_error' })
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
      await assert.rejects(
        gathered(tracker.statusAll(0)),
        err => isClusterError(err, 'IPFS_UNAVAILABLE') && err.message === 'could not get pinset from IPFS: connection refused'
      )
      await assert.rejects(gathered(tracker.recoverAll()), err => isClusterError(err, 'IPFS_UNAVAILABLE'))
    })

    it('refuses what finds no room in its queue', async () => {
      const { track, untrack, node, tracker, settled } = await opened({ maxPinQueueSize: 2, concurrentPins: 1 })
      node.behaviour = async (_call, signal) =>
        await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)) })
      track(aPin(1))
      await settled(1, 'pinning')

      track(aPin(2), aPin(3), aPin(4))
      for (let n = 11; n < 20; n++) untrack(cidNumber(n))

      const info = await tracker.status(cidNumber(4))
      assert.deepEqual([info.status, info.error], ['pin_error', 'pin/unpin operation queue is full. Try increasing max_pin_queue_size'])
      assert.equal((await tracker.status(cidNumber(19))).status, 'unpin_error')
      assert.equal(tracker.queueLength(), 2)
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
        type: 'pin', phase: 'error', since, attempts: 1, error: 'pin 1 fails', queueLength: 1, nextTryAt: since +
          trackerSettings.pinRecoverIntervalMs
      })
      assert.deepEqual([tracker.operation(cidNumber(2))?.phase, tracker.operation(cidNumber(3))?.phase], ['in_progress', 'queued'])
      assert.equal(tracker.operation(cidNumber(4)), undefined)
    })

    it('tells the place of what waits: pins with priority come first', async () => {
      const { track, node, tracker, settled } = await opened({ concurrentPins: 1 })
      node.hold('pin 1')
      track(aPin(1))
      await settled(1, 'pinning')
      const old = { timestamp: 0 }
      track(aPin(2, old), aPin(3), aPin(4, old), aPin(5))

      assert.equal(tracker.operation(cidNumber(1))?.turn, undefined)
      assert.deepEqual([3, 5, 2, 4].map(n => tracker.operation(cidNumber(n))?.turn?.place), [1, 2, 3, 4])
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
