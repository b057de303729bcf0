import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pin } from '../../src/model/pin.ts'
import type { QueueShare } from '../../src/model/queue-rules.ts'
import { usualShare } from '../../src/model/queue-rules.ts'
import { quietMs } from '../support/poll.ts'
import { aPin, cidNumber } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { inHand } from './tracker-harness.ts'

const by = ['queue', 'tenant']
const shared = (shares: Record<string, Partial<QueueShare>>): Pick<TrackerSettings, 'queues'> => ({
  queues: { by, shares: new Map(Object.entries(shares).map(([name, share]) => [name, { ...usualShare, ...share }])) }
})

/** Pins from..to, which wait in that queue. */
const pinsOf = (queue: string, from: number, to: number, some: Partial<Pin> = {}): Pin[] =>
  Array.from({ length: to - from + 1 }, (_, n) => aPin(from + n, { metadata: { queue }, ...some }))

/** What every pin tracker promises of pins that wait in several queues. */
export function trackerQueuesContract (name: string, open: OpenTracker): void {
  const opened = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => inHand(open, { concurrentPins: 1, ...some })

  /** Pins 1..100 of "a", 101..200 of "b", one at a time, each for a second. */
  const busy = async (some: Partial<TrackerSettings>): Promise<TrackerInHand> => {
    const hand = await opened(some)
    hand.node.behaviour = async (_, signal) => hand.clock.sleep(1000, signal)
    hand.track(...pinsOf('a', 1, 100), ...pinsOf('b', 101, 200))
    return hand
  }
  const begun = ({ node }: TrackerInHand): Record<string, number> => {
    const numbers = node.calls.map(call => Number(call.split(' ')[1]))
    return { a: numbers.filter(n => n <= 100).length, b: numbers.filter(n => n > 100 && n <= 200).length }
  }

  describe(`pin tracker contract, queues: ${name}`, { timeout: quietMs(10_000) }, () => {
    it('has all pins in one queue when none is asked for, in the order in which they came', async () => {
      const { track, node, clock } = await opened()

      track(...pinsOf('a', 1, 3), ...pinsOf('b', 101, 102))
      await clock.settle()

      assert.deepEqual(node.calls, ['pin 1', 'pin 2', 'pin 3', 'pin 101', 'pin 102'])
    })

    it('gives queues turns by their weights', async () => {
      const hand = await busy(shared({ a: { weight: 3 } }))

      await hand.clock.advance(40_000)

      const { a = 0, b = 0 } = begun(hand)
      assert.ok(Math.abs(a - 3 * b) <= 4, `${a} and ${b} began`)
    })

    it('does not let a long queue keep a short one waiting, whichever came first', async () => {
      const hand = await busy(shared({}))
      await hand.clock.advance(20_000)

      hand.track(...pinsOf('c', 201, 201))
      await hand.clock.advance(3000)

      assert.ok(hand.node.calls.includes('pin 201'))
    })

    it('counts the bytes that a queue has fetched: large pins take the turns of many small ones', async () => {
      const hand = await opened(shared({}))
      hand.node.behaviour = async (_, signal) => hand.clock.sleep(300, signal)
      for (let n = 1; n <= 100; n++) hand.node.coming.set(n, [1 << 20, 1 << 20])
      hand.track(...pinsOf('a', 1, 100), ...pinsOf('b', 101, 200))

      await hand.clock.advance(20_000)

      const { a = 0, b = 0 } = begun(hand)
      assert.ok(b > 6 * a && a > 3, `${a} large and ${b} small ones began`)
    })

    it('takes young pins of a queue before its others, and those of all queues by turns', async () => {
      const old: Partial<Pin> = { timestamp: 0 }
      const { track, node, clock } = await opened(shared({}))
      const release = node.hold('pin 99')
      track(aPin(99))
      await clock.settle()

      track(...pinsOf('a', 1, 1, old), ...pinsOf('a', 2, 3), ...pinsOf('b', 101, 102, old))
      node.behaviour = async (_, signal) => clock.sleep(1000, signal)
      release()
      await clock.advance(10_000)

      const order = node.calls.map(call => Number(call.split(' ')[1])).slice(1)
      assert.deepEqual(order.filter(n => n < 100), [2, 3, 1])
      assert.ok(order.indexOf(101) < order.indexOf(1), `an old pin of a queue does not wait for all young ones of another: ${order}`)
    })

    it('begins no more pins of a queue each second than it may have, without holding up others', async () => {
      const hand = await opened(shared({ a: { maxPinsPerSecond: 2 } }))
      hand.track(...pinsOf('a', 1, 100), ...pinsOf('b', 101, 200))

      await hand.clock.advance(10_000)

      const { a = 0, b } = begun(hand)
      assert.ok(a >= 19 && a <= 21, `${a} began in 10 s`)
      assert.equal(b, 100)
    })

    it('fetches no more bytes for a queue each second than it may have, within a pin, too', async () => {
      const { track, node, clock, statusOf } = await opened(shared({ a: { maxBytesPerSecond: 1000 } }))
      node.coming.set(1, [2000, 2000, 2000])

      track(...pinsOf('a', 1, 2))
      await clock.advance(5000)
      const early = [await statusOf(1), await statusOf(2)]
      await clock.advance(2000)

      assert.deepEqual(early, ['pinning', 'pin_queued'])
      assert.deepEqual([await statusOf(1), await statusOf(2)], ['pinned', 'pinned'])
    })

    it('runs no more pins of a queue at once than it may', async () => {
      const { track, node, clock } = await opened({ concurrentPins: 5, ...shared({ a: { maxAtOnce: 2 } }) })
      for (let n = 1; n <= 10; n++) node.hold(`pin ${n}`)

      track(...pinsOf('a', 1, 10), ...pinsOf('b', 101, 101))
      await clock.settle()

      assert.deepEqual(node.calls.toSorted(), ['pin 1', 'pin 101', 'pin 2'])
    })

    it('lets a queue of which nothing runs for long begin beside long pins of others, but no more than as many again', async () => {
      const { track, node, clock } = await opened({ concurrentPins: 2, ...shared({}) })
      for (let n = 1; n <= 500; n++) {
        node.hold(`pin ${n}`)
        node.found.set(n, 1)
      }
      const moving = async (): Promise<void> => {
        for (let blocks = 2; blocks < 10; blocks++) {
          for (let n = 1; n <= 500; n++) node.found.set(n, blocks)
          await clock.advance(5000)
        }
      }

      track(...pinsOf('a', 1, 10))
      await moving()
      track(...pinsOf('b', 101, 110), ...pinsOf('c', 201, 210), ...pinsOf('d', 301, 310))
      await moving()

      assert.deepEqual(node.calls, ['pin 1', 'pin 2', 'pin 101', 'pin 201'])
    })

    it('moves a pin that waits when it is pinned again for another queue', async () => {
      const { track, node, clock, tracker } = await opened(shared({ urgent: { weight: 1000 } }))
      const release = node.hold('pin 1')
      track(...pinsOf('a', 1, 50))
      await clock.settle()

      track(...pinsOf('urgent', 40, 40))
      const turn = tracker.operation(cidNumber(40))?.turn
      release()
      await clock.settle()

      assert.deepEqual(node.calls.slice(0, 2), ['pin 1', 'pin 40'])
      assert.deepEqual([turn?.place, turn?.queue], [1, 'urgent'])
    })

    it('tells the queue of a pin, its place among all, and when a limit holds it', async () => {
      const hand = await busy(shared({ b: { maxPinsPerSecond: 0.1 } }))
      hand.track(aPin(201))
      await hand.clock.advance(500)
      const turnOf = (n: number) => hand.tracker.operation(cidNumber(n))?.turn

      const [a, b, other] = [turnOf(11), turnOf(110), turnOf(201)]

      assert.equal(a?.queue, 'a')
      assert.ok(a != null && a.place >= 10 && a.place <= 22, `place ${a?.place}`)
      assert.equal(other?.queue, undefined)
      assert.ok(other != null && other.place <= 3, `place ${other?.place}`)
      await hand.clock.advance(3000)
      assert.equal(turnOf(110)?.limit, 'rate')
      assert.ok((b?.inMs ?? 0) >= 80_000, `${b?.inMs} ms`)
    })

    it('goes on when nothing but a rate held it', async () => {
      const { track, clock, statusOf } = await opened(shared({ a: { maxPinsPerSecond: 0.01 } }))

      track(...pinsOf('a', 1, 3))
      await clock.advance(99_000)
      const before = await statusOf(2)
      await clock.advance(2000)

      assert.deepEqual([before, await statusOf(2), await statusOf(3)], ['pin_queued', 'pinned', 'pin_queued'])
    })

    it('refuses the latest of the longest queue when there is no room, by weight, whoever comes last', async () => {
      const { track, node, clock, statusOf } = await opened({ ...shared({ c: { weight: 10 } }), maxPinQueueSize: 6 })
      node.hold('pin 1')
      track(aPin(1, { metadata: { queue: 'a' } }))
      await clock.settle()

      track(...pinsOf('a', 2, 7), ...pinsOf('b', 101, 102), ...pinsOf('c', 201, 203), ...pinsOf('b', 103, 103))

      const waiting = async (numbers: number[]): Promise<number[]> => {
        const states = await Promise.all(numbers.map(statusOf))
        return numbers.filter((_, at) => states[at] === 'pin_queued')
      }
      assert.deepEqual(await waiting([2, 3, 4, 5, 6, 7]), [2])
      assert.deepEqual(await waiting([101, 102, 103]), [101, 102])
      assert.deepEqual(await waiting([201, 202, 203]), [201, 202, 203])
    })

    it('does not keep more queues than a few hundred: others share one, and have their turn', async () => {
      const { track, node, clock, tracker } = await opened(shared({}))
      const release = node.hold('pin 1')
      track(aPin(1))
      await clock.settle()
      for (let n = 1000; n < 1400; n++) track(aPin(n, { metadata: { tenant: `tenant ${n}` } }))

      const queues = new Set(Array.from({ length: 400 }, (_, at) => tracker.operation(cidNumber(1000 + at))?.turn?.queue))
      release()
      await clock.advance(10_000)

      assert.ok(queues.size <= 257, `${queues.size} queues`)
      assert.equal(tracker.queueLength(), 0)
    })
  })
}
