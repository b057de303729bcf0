import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../src/base/errors.ts'
import { parseStatusFilter } from '../../src/model/status.ts'
import { aPin, cidNumber, gathered } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { direct, elsewhere, inHand, meta } from './tracker-harness.ts'

/** What every pin tracker promises of what has failed (pintracker/stateless, decisions: failed unpins). */
export function trackerRecoveryContract (name: string, open: OpenTracker): void {
  const opened = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => inHand(open, some)

  describe(`pin tracker contract, recovery: ${name}`, () => {
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
  })
}
