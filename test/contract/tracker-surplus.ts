import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseStatusFilter } from '../../src/model/status.ts'
import { aPin, cidNumber, gathered } from '../support/tracked-node.ts'
import type { OpenTracker, TrackerInHand, TrackerSettings } from './tracker-harness.ts'
import { direct, elsewhere, inHand, meta } from './tracker-harness.ts'

const hourMs = 3_600_000

/**
 * What every pin tracker promises of roots that a crash has left behind: nothing but the pinset keeps a root of a node that is this peer's
 * alone.
 */
export function trackerSurplusContract (name: string, open: OpenTracker): void {
  /** Pins 1 and 2 were unpinned, 3 went to another peer, and the process was killed before the tracker had a row. */
  const leaking = async (some?: Partial<TrackerSettings>): Promise<TrackerInHand> => {
    const hand = await inHand(open, some)
    hand.track(aPin(1), aPin(2), aPin(3), aPin(4), aPin(5, direct))
    await hand.settled(5, 'pinned')
    for (const n of [1, 2]) hand.pinset.remove(cidNumber(n))
    hand.pinset.put(aPin(3, elsewhere))
    hand.node.calls.length = 0
    return { ...hand, tracker: await hand.restart() }
  }
  const rootsOf = ({ node }: TrackerInHand): string[] => [...node.roots.keys()]
  const kept = [4, 5].map(n => cidNumber(n).toString())

  describe(`pin tracker contract, roots left behind: ${name}`, () => {
    it('unpins them with the first recovery after a crash, and tells which', async () => {
      const hand = await leaking()

      const rows = await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()

      assert.deepEqual(rows.map(({ cid, status }) => [cid.toString(), status]), [
        [cidNumber(1).toString(), 'unpin_queued'], [cidNumber(2).toString(), 'unpin_queued'], [cidNumber(3).toString(), 'remote']
      ])
      assert.deepEqual(hand.node.calls, ['unpin 1', 'unpin 2', 'unpin 3'])
      assert.deepEqual(rootsOf(hand), kept)
      assert.deepEqual(await gathered(hand.tracker.recoverAll()), [])
    })

    it('reads no roots when the pinset wants as many as there are, from the first recovery on', async () => {
      const hand = await inHand(open)
      hand.track(aPin(1), aPin(2))
      await hand.settled(2, 'pinned')
      const tracker = await hand.restart()
      let reads = 0
      const [ownRoots, pinnedView] = [hand.node.ownRoots.bind(hand.node), hand.node.pinnedView.bind(hand.node)]
      hand.node.pinnedView = async () => {
        const view = await pinnedView()
        return { ...view, statusesOf: async cids => cids.map(cid => view.statusOf(cid)) }
      }
      hand.node.ownRoots = () => {
        reads++
        return ownRoots()
      }

      await gathered(tracker.recoverAll())
      assert.equal(reads, 0)
      hand.node.roots.set(cidNumber(3).toString(), 'recursive')
      await gathered(tracker.recoverAll())
      assert.equal(reads, 1)
    })

    it('unpins those of a later day, too', async () => {
      const hand = await leaking()
      await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()

      hand.node.roots.set(cidNumber(1).toString(), 'direct')
      await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()

      assert.deepEqual(rootsOf(hand), kept)
    })

    it('leaves the roots of a node alone that others use', async () => {
      const hand = await leaking()
      hand.node.isShared = true

      assert.deepEqual(await gathered(hand.tracker.recoverAll()), [])

      assert.equal(hand.node.roots.size, 5)
    })

    for (
      const [what, progress] of [
        ['has no head', { heads: [] }], ['misses a branch', { dirty: true }],
        ['has heard of a branch that it has not merged', { behind: true }]
      ] as const
    ) {
      it(`takes nothing while the pinset ${what}`, async () => {
        const hand = await leaking()
        const whole = hand.pinset.progress
        hand.pinset.progress = { ...whole, ...progress, heads: progress.heads == null ? whole.heads : [] }

        const before = await gathered(hand.tracker.recoverAll())
        hand.pinset.progress = whole
        const after = await gathered(hand.tracker.recoverAll())

        assert.deepEqual([before.length, after.length], [0, 3])
      })
    }

    it('keeps roots for an hour that the pinset has never heard of: it may be emptied and about to come back', async () => {
      const hand = await leaking()
      for (const n of [1, 2, 4]) hand.pinset.forget(cidNumber(n))
      const recovered = async (): Promise<string[]> => (await gathered(hand.tracker.recoverAll())).map(({ cid }) => cid.toString())

      const atFirst = await recovered()
      await hand.clock.advance(hourMs - 1)
      const early = await recovered()
      hand.pinset.put(aPin(4))
      await hand.clock.advance(1)
      const late = await recovered()

      assert.deepEqual([atFirst, early], [[cidNumber(3).toString()], []])
      assert.deepEqual(late, [1, 2].map(n => cidNumber(n).toString()))
    })

    it('counts that hour from when the pinset was whole', async () => {
      const hand = await leaking()
      hand.pinset.forget(cidNumber(1))
      hand.pinset.forget(cidNumber(2))
      await gathered(hand.tracker.recoverAll())
      await hand.clock.advance(hourMs / 2)
      const whole = hand.pinset.progress
      hand.pinset.progress = { ...whole, behind: true }
      await gathered(hand.tracker.recoverAll())
      hand.pinset.progress = whole

      await gathered(hand.tracker.recoverAll())
      await hand.clock.advance(hourMs - 1)

      assert.deepEqual(await gathered(hand.tracker.recoverAll()), [])
    })

    it('counts that hour by the time that passes, whatever the clock is set to', async () => {
      const hand = await leaking()
      hand.pinset.forget(cidNumber(1))
      await gathered(hand.tracker.recoverAll())

      hand.clock.wrongMs = 24 * hourMs
      const ahead = (await gathered(hand.tracker.recoverAll())).map(({ cid }) => cid.toString())
      hand.clock.wrongMs = -24 * hourMs
      await hand.clock.advance(hourMs)
      const late = (await gathered(hand.tracker.recoverAll())).map(({ cid }) => cid.toString())

      assert.equal(ahead.includes(cidNumber(1).toString()), false)
      assert.equal(late.includes(cidNumber(1).toString()), true)
    })

    it('does not touch what has an operation, and pins that came back', async () => {
      const hand = await leaking({ concurrentPins: 1 })
      hand.node.hold('pin 6')
      hand.pinset.put(aPin(6))
      hand.tracker.track(aPin(6))
      await hand.clock.settle()
      hand.pinset.put(aPin(1))
      hand.tracker.track(aPin(1))
      hand.node.roots.set(cidNumber(6).toString(), 'direct')
      hand.pinset.remove(cidNumber(6))

      const rows = await gathered(hand.tracker.recoverAll())

      assert.deepEqual(rows.map(({ cid }) => cid.toString()), [2, 3].map(n => cidNumber(n).toString()))
    })

    it('gives way to a pin that comes before the unpin had its turn', async () => {
      const hand = await leaking()

      await gathered(hand.tracker.recoverAll())
      hand.pinset.put(aPin(1))
      hand.tracker.track(aPin(1))
      await hand.clock.settle()

      assert.ok(rootsOf(hand).includes(cidNumber(1).toString()))
      assert.equal((await hand.tracker.status(cidNumber(1))).status, 'pinned')
    })

    it('takes a root in the mode that is there: recursive, direct, of a shard, of a cluster DAG; not those that a meta pin stands for', async () => {
      const hand = await inHand(open)
      hand.pinset.put(aPin(1, { type: 'shard-pin', maxDepth: 1 }), aPin(2, { type: 'clusterdag-pin', ...direct }), aPin(3, meta))
      for (const n of [1, 2, 3, 4, 5]) hand.node.roots.set(cidNumber(n).toString(), n % 2 === 0 ? 'direct' : 'recursive')
      for (const n of [4, 5]) {
        hand.pinset.put(aPin(n))
        hand.pinset.remove(cidNumber(n))
      }

      await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()

      assert.deepEqual(rootsOf(hand), [1, 2, 3].map(n => cidNumber(n).toString()))
    })

    it('takes more than the queue holds in several rounds', async () => {
      const hand = await inHand(open, { maxPinQueueSize: 2 })
      hand.pinset.put(aPin(4), aPin(5, direct))
      for (const n of [1, 2, 3]) {
        hand.pinset.put(aPin(n))
        hand.pinset.remove(cidNumber(n))
      }
      for (const n of [1, 2, 3, 4, 5]) hand.node.roots.set(cidNumber(n).toString(), n === 5 ? 'direct' : 'recursive')

      const first = await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()
      await gathered(hand.tracker.recoverAll())
      await hand.clock.settle()

      assert.equal(first.length, 2)
      assert.equal((await gathered(hand.tracker.statusAll(parseStatusFilter('error')))).length, 0)
      assert.deepEqual(rootsOf(hand), kept)
    })
  })
}
