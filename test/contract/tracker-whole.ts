import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quietMs } from '../support/poll.ts'
import { aPin, cidNumber } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { direct, elsewhere, inHand, meta } from './tracker-harness.ts'

const numbers = Array.from({ length: 40 }, (_, n) => n + 1)

/** What every pin tracker promises of pins that only lack their roots. */
export function trackerWholeContract (name: string, open: OpenTracker): void {
  const opened = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => {
    const hand = await inHand(open, some)
    for (const n of numbers) hand.node.rootless.add(n)
    return hand
  }

  describe(`pin tracker contract, whole pins: ${name}`, { timeout: quietMs(10_000) }, () => {
    it('pins those that come together with one call, whatever the number of slots', async () => {
      const { track, node, clock, list } = await opened({ concurrentPins: 2 })

      track(...numbers.map(n => aPin(n)))
      await clock.settle()

      assert.deepEqual(node.calls, [`whole ${numbers.join(' ')}`])
      assert.deepEqual(new Set(Object.values(await list())), new Set(['pinned']))
    })

    it('pins others one by one meanwhile', async () => {
      const { track, node, clock, statusOf } = await opened()

      track(aPin(1), aPin(101), aPin(2))
      await clock.settle()

      assert.deepEqual(node.calls.toSorted(), ['pin 101', 'whole 1 2'])
      assert.deepEqual(await Promise.all([1, 2, 101].map(statusOf)), ['pinned', 'pinned', 'pinned'])
    })

    it('has an error for each of those that could not be pinned, and tries again', async () => {
      const { track, node, clock, statusOf, tracker } = await opened()
      node.fail('whole 1 2')
      track(aPin(1), aPin(2))
      await clock.settle()
      const failed = await Promise.all([1, 2].map(statusOf))

      await tracker.recover(cidNumber(1))
      await clock.settle()

      assert.deepEqual(failed, ['pin_error', 'pin_error'])
      assert.deepEqual([await statusOf(1), await statusOf(2)], ['pinned', 'pin_error'])
    })

    it('unpins what was unpinned meanwhile', async () => {
      const { track, untrack, node, clock, statusOf } = await opened()
      const release = node.hold('whole 1 2')
      track(aPin(1), aPin(2))
      await clock.settle()
      assert.equal(await statusOf(1), 'pinning')

      untrack(cidNumber(1))
      await clock.settle()
      release()
      await clock.settle()

      assert.deepEqual(node.calls, ['whole 1 2', 'unpin 1'])
      assert.deepEqual([await statusOf(1), await statusOf(2)], ['unpinned', 'pinned'])
    })

    it('pins again what changed its mode meanwhile', async () => {
      const { track, node, clock } = await opened()
      const release = node.hold('whole 1')
      track(aPin(1, direct))
      await clock.settle()

      track(aPin(1))
      release()
      await clock.settle()

      assert.deepEqual(node.calls, ['whole 1', 'pin 1'])
      assert.equal(node.roots.get(cidNumber(1).toString()), 'recursive')
    })

    it('does what the pinset said last of a pin that waited', async () => {
      const { track, node, clock, statusOf } = await opened()

      track(aPin(1), aPin(2), aPin(3))
      track(aPin(1, elsewhere), aPin(2, meta), aPin(3, direct))
      await clock.settle()

      assert.deepEqual(await Promise.all([1, 2, 3].map(statusOf)), ['remote', 'sharded', 'pinned'])
      assert.deepEqual([...node.roots], [[cidNumber(3).toString(), 'direct']])
    })

    it('ends with what is under way', async () => {
      const { track, node, clock, tracker } = await opened()
      const release = node.hold('whole 1')
      track(aPin(1))
      await clock.settle()

      const stopped = tracker.stop()
      release()
      await stopped

      assert.deepEqual(node.calls, ['whole 1'])
    })

    it('leaves alone what others hold and has no root here', async () => {
      const { track, node, clock, list } = await opened()
      node.tellsUnpinned = true
      node.roots.set(cidNumber(3).toString(), 'recursive')

      track(...[1, 2, 3].map(n => aPin(n, elsewhere)))
      await clock.settle()

      assert.deepEqual([node.calls, [...node.roots]], [['unpin 3'], []])
      assert.deepEqual(Object.values(await list()), ['remote', 'remote', 'remote'])
    })

    it('looks again at what is under way when others get it', async () => {
      const { track, node, clock, statusOf } = await opened()
      node.tellsUnpinned = true
      const release = node.hold('pin 101')
      track(aPin(101))
      await clock.settle()

      track(aPin(101, elsewhere))
      await clock.settle()
      release()
      await clock.settle()

      assert.equal(node.roots.has(cidNumber(101).toString()), false)
      assert.equal(await statusOf(101), 'remote')
    })
  })
}
