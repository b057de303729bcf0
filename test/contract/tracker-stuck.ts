import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quietMs } from '../support/poll.ts'
import { aPin, cidNumber, gathered } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { inHand } from './tracker-harness.ts'

const pinCount = 5

/** What every pin tracker promises of pins that don't come to an end: they hold no others up, and none ends the process twice in a row. */
export function trackerStuckContract (name: string, open: OpenTracker): void {
  const opened = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => inHand(open, some)
  const numbers = Array.from({ length: pinCount }, (_, n) => n + 1)

  /** Some long pins that ran when the process ended, and again when it ended once more. */
  const diedTwice = async (count = pinCount): Promise<TrackerInHand & { releases: Array<() => void> }> => {
    const hand = await opened()
    const { track, node, clock, crash } = hand
    const releases = numbers.slice(0, count).map(n => node.hold(`pin ${n}`))
    track(...numbers.slice(0, count).map(n => aPin(n)))
    await clock.advance(2000)
    await gathered((await crash()).recoverAll())
    await clock.advance(6000)
    await gathered((await crash()).recoverAll())
    await clock.settle()
    node.calls.length = 0
    return { ...hand, releases }
  }

  describe(`pin tracker contract, stuck pins: ${name}`, { timeout: quietMs(10_000) }, () => {
    it('lets others run when all that run make no progress, and goes on with those', async () => {
      const { track, node, statusOf, clock, settled } = await opened({ concurrentPins: pinCount })
      const releases = numbers.map(n => node.hold(`pin ${n}`))
      track(...numbers.map(n => aPin(n)))
      await clock.settle()

      track(aPin(101), aPin(102))
      await clock.advance(10_000)

      assert.deepEqual([await statusOf(101), await statusOf(102)], ['pinned', 'pinned'])
      assert.deepEqual(await Promise.all(numbers.map(statusOf)), numbers.map(() => 'pinning'))
      for (const release of releases) release()
      await settled(1, 'pinned')
      assert.ok(!node.calls.some(call => call.startsWith('aborted')))
    })

    it('runs no more than it may at once while those that run make progress', async () => {
      const { track, node, statusOf, clock } = await opened({ concurrentPins: 1 })
      node.hold('pin 1')
      track(aPin(1), aPin(2))

      for (let blocks = 1; blocks <= 10; blocks++) {
        node.found.set(1, blocks)
        await clock.advance(5000)
      }
      const whileMoving = await statusOf(2)
      await clock.advance(10_000)

      assert.deepEqual([whileMoving, await statusOf(2)], ['pin_queued', 'pinned'])
    })

    it('lets others run while those only have to be written whose content is here', async () => {
      const { track, node, statusOf, tracker } = await opened({ concurrentPins: 1 })
      const releases = [1, 2].map(n => node.hold(`pin ${n}`))
      for (const n of [1, 2]) node.whole.add(n)
      node.hold('pin 3')

      track(aPin(1), aPin(2), aPin(3), aPin(4))
      await new Promise(resolve => setImmediate(resolve))

      assert.deepEqual([node.calls, tracker.queueLength()], [['pin 1', 'pin 2', 'pin 3'], 1])
      for (const release of releases) release()
      await new Promise(resolve => setImmediate(resolve))
      assert.deepEqual([await statusOf(1), await statusOf(2), await statusOf(4)], ['pinned', 'pinned', 'pin_queued'])
    })

    it('bounds how many stuck pins go on beside those that run', async () => {
      const { track, node, tracker, clock } = await opened({ concurrentPins: 1 })
      const many = Array.from({ length: 50 }, (_, n) => n + 1)
      for (const n of many) node.hold(`pin ${n}`)

      track(...many.map(n => aPin(n)))
      await clock.advance(10 * 60_000)

      assert.equal(node.calls.length, 9)
      assert.equal(tracker.queueLength(), 41)
    })

    it('has a pin wait during which the process ended, says why, and starts the others', async () => {
      const { track, node, pinset, clock, crash } = await opened()
      const release = node.hold('pin 1')
      track(aPin(1))
      await clock.advance(2000)

      const next = await crash()
      pinset.put(aPin(2))
      node.calls.length = 0
      await gathered(next.recoverAll())
      await clock.settle()
      const [waiting, other] = [await next.status(cidNumber(1)), await next.status(cidNumber(2))]
      const callsBefore = [...node.calls]
      release()
      await clock.advance(6000)

      assert.deepEqual([waiting.status, other.status, callsBefore], ['pin_queued', 'pinned', ['pin 2']])
      assert.match(waiting.error, /^the peer ended once while it pinned this; not tried again before 20/)
      assert.equal((await next.status(cidNumber(1))).status, 'pinned')
    })

    for (const wrongMs of [-3_600_000, 3_600_000]) {
      it(`has it wait for as long, though the clock is set by ${wrongMs} ms meanwhile`, async () => {
        const { track, node, clock, crash } = await opened()
        const release = node.hold('pin 1')
        track(aPin(1))
        await clock.advance(2000)
        const next = await crash()
        await gathered(next.recoverAll())
        release()

        clock.wrongMs = wrongMs
        await gathered(next.recoverAll())
        await clock.settle()
        const { status } = await next.status(cidNumber(1))
        await clock.advance(6000)

        assert.deepEqual([status, (await next.status(cidNumber(1))).status], ['pin_queued', 'pinned'])
      })
    }

    it('waits longer after each time', async () => {
      const { track, node, clock, crash } = await opened()
      node.hold('pin 1')
      track(aPin(1))
      await clock.advance(2000)
      const waits: number[] = []

      for (let death = 1; death <= 3; death++) {
        const next = await crash()
        node.calls.length = 0
        await gathered(next.recoverAll())
        const from = clock.now()
        await clock.until(() => node.calls.length > 0, 24 * 3_600_000)
        await clock.settle()
        waits.push(clock.now() - from)
      }

      assert.deepEqual(waits, [5000, 60_000, 720_000])
    })

    it('tries all again together after the first time: what ended the process was mostly something else', async () => {
      const { track, node, clock, crash } = await opened()
      for (const n of numbers) node.hold(`pin ${n}`)
      track(...numbers.map(n => aPin(n)))
      await clock.advance(2000)
      await gathered((await crash()).recoverAll())
      node.calls.length = 0

      await clock.advance(6000)

      assert.deepEqual(node.calls.toSorted(), numbers.map(n => `pin ${n}`))
    })

    it('tries one such pin after another from the second time on, the next when that has ended', async () => {
      const { releases, node, clock } = await diedTwice()

      await clock.advance(62_000)
      const [first, ...more] = node.calls
      releases[Number(first?.split(' ')[1]) - 1]?.()
      await clock.settle()

      assert.deepEqual([more.length, node.calls.length], [0, 2])
    })

    it('has one that makes no progress hold the others up for no more than a minute each', async () => {
      const { node, clock } = await diedTwice()

      await clock.advance(60_000 + pinCount * 61_000)

      assert.deepEqual(node.calls.toSorted(), numbers.map(n => `pin ${n}`))
    })

    /**
     * How long these pins wait after each end of the process, when it comes so long after they began. The hand is that of the last run, in
     * which they wait.
     */
    const waitsOf = async (
      runMs: number, { deaths, numbers: some = [1] }: { deaths: number, numbers?: number[] }
    ): Promise<{ waits: number[], hand: TrackerInHand }> => {
      const hand = await opened()
      const { track, node, clock, crash } = hand
      for (const n of some) node.hold(`pin ${n}`)
      track(...some.map(n => aPin(n)))
      await clock.settle()
      const waits: number[] = []
      for (let death = 1; ; death++) {
        await clock.advance(runMs)
        const next = await crash()
        node.calls.length = 0
        await gathered(next.recoverAll())
        if (death === deaths) return { waits, hand }
        const from = clock.now()
        await clock.until(() => node.calls.length > 0, 24 * 3_600_000)
        waits.push(clock.now() - from)
      }
    }

    it('takes a pin for harmless that runs for hours: peers are killed for reasons of their own', async () => {
      assert.deepEqual((await waitsOf(6.1 * 3_600_000, { deaths: 4 })).waits, [5000, 5000, 5000])
    })

    it('has one wait, too, that ends the process after more than ten minutes each time: what it ran counts towards its wait', async () => {
      assert.deepEqual((await waitsOf(11 * 60_000, { deaths: 6 })).waits, [5000, 5000, 120_000, 8_040_000, 21_000_000])
    })

    it('takes one that waits for less likely the reason when the process ends without it', async () => {
      const { hand: { node, clock, crash } } = await waitsOf(11 * 60_000, { deaths: 4 })

      await clock.advance(3_600_000)
      const next = await crash()
      const asked = await gathered(next.recoverAll())
      const began = node.calls.length
      await clock.advance(6000)

      assert.deepEqual([began, node.calls.length], [0, 1])
      assert.match(asked[0]?.error ?? '', /^the peer ended 2 times while it pinned this/)
    })

    it('finds out which of several it is by trying one after the other', async () => {
      const { hand: { node, clock, crash } } = await waitsOf(11 * 60_000, { deaths: 5, numbers: [1, 2, 3] })

      await clock.until(() => node.calls.length > 0, 24 * 3_600_000)
      await clock.advance(11 * 60_000)
      const alone = [...node.calls]
      const next = await crash()
      node.calls.length = 0
      await gathered(next.recoverAll())
      await clock.advance(60_000)

      // the one that ran when the process ended waits for hours, the others go on
      assert.equal(alone.length, 1)
      assert.deepEqual([...node.calls, ...alone].toSorted(), ['pin 1', 'pin 2', 'pin 3'])
      await clock.advance(5 * 3_600_000)
      assert.equal(node.calls.length, 2)
    })

    it('counts the wait on while the peer is started again and again', async () => {
      const { clock, crash, tracker } = await diedTwice(1)
      const untilWhen = async (of: typeof tracker): Promise<string> => {
        await gathered(of.recoverAll())
        return (await of.status(cidNumber(1))).error
      }

      const before = await untilWhen(await crash())
      await clock.advance(20_000)

      assert.match(before, /ended 2 times .* not tried again before 20/)
      assert.equal(await untilWhen(await crash()), before)
    })

    it('knows in the second run at the latest what ended the process at once', async () => {
      const { track, node, clock, crash } = await opened()
      node.hold('pin 1')
      track(aPin(1))
      await clock.settle()
      await gathered((await crash()).recoverAll())
      await clock.settle()

      const third = await crash()
      node.calls.length = 0
      await gathered(third.recoverAll())
      await clock.settle()

      assert.deepEqual(node.calls, [])
      assert.match((await third.status(cidNumber(1))).error, /^the peer ended once/)
    })

    it('forgets such a pin when it is untracked', async () => {
      const { track, untrack, node, pinset, clock, crash } = await opened()
      const release = node.hold('pin 1')
      track(aPin(1))
      await clock.advance(2000)
      const next = await crash()

      untrack(cidNumber(1))
      next.untrack(cidNumber(1))
      await clock.settle()
      release()
      pinset.put(aPin(1))
      next.track(aPin(1))
      await clock.settle()

      assert.equal((await next.status(cidNumber(1))).status, 'pinned')
    })

    it('suspects nothing after a stop', async () => {
      const { track, node, clock, restart } = await opened()
      node.hold('pin 1')
      track(aPin(1))
      await clock.advance(2000)

      const next = await restart()
      node.calls.length = 0
      await gathered(next.recoverAll())
      await clock.settle()

      assert.deepEqual([node.calls, (await next.status(cidNumber(1))).error], [['pin 1'], ''])
    })
  })
}
