import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import type { Pin } from '../../../../src/model/pin.ts'
import type { StatelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import { statelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { aPin, cidNumber, FakePinset, gathered, TrackedNode } from '../../../support/tracked-node.ts'

const self = '12D3KooWSelf'
const hourMs = 3_600_000
const pinRecoverIntervalMs = 5 * 60_000
const kinds: Array<Partial<Pin>> = [
  {},
  { mode: 'direct', maxDepth: 0 },
  { replicationFactorMin: 1, replicationFactorMax: 1, allocations: ['12D3KooWOther'] },
  { replicationFactorMin: 1, replicationFactorMax: 1, allocations: [self] }
]

/** A node that takes its time, fails often while `faulty`, and never runs two calls for one CID at once. */
function faultyNode (clock: SimClock, random: SeededRandom): { node: TrackedNode, faults: { share: number }, overlaps: () => number } {
  const node = new TrackedNode()
  const faults = { share: 0.3 }
  const running = new Set<string>()
  let overlaps = 0
  node.behaviour = async (call, signal) => {
    const cid = call.split(' ')[1] ?? ''
    if (running.has(cid)) overlaps++
    running.add(cid)
    try {
      await clock.sleep(random.float() * 4000, random.float() < 0.8 ? signal : undefined) // some calls hear of an abort late
      if (random.float() < faults.share) throw new ClusterError('IPFS_ERROR', {}, { message: 'a fault' })
    } finally {
      running.delete(cid)
    }
  }
  return { node, faults, overlaps: () => overlaps }
}

/** Puts, changes and removes items at random for an hour, with a recover loop and two restarts; then lets the node heal. */
async function simulate (seed: number) {
  const clock = new SimClock()
  const random = new SeededRandom(seed)
  const { node, faults, overlaps } = faultyNode(clock, random)
  const pinset = new FakePinset()
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const restart = async (): Promise<StatelessTracker> => {
    const tracker = statelessTracker(
      { self, maxPinQueueSize: 50, concurrentPins: 3, priorityPinMaxAgeMs: 20 * 60_000, priorityPinMaxRetries: 2, pinRecoverIntervalMs },
      {
        state: pinset, progress: () => pinset.progress, ipfs: node, datastore, clock, log: silentLogger,
        identity: () => ({ peerName: '', ipfsPeerId: '', ipfsPeerAddresses: [] })
      })
    await tracker.start(new AbortController().signal)
    return tracker
  }
  let tracker = await restart()
  const end = clock.now() + hourMs
  let recoverAt = clock.now()
  let restarts = 0

  const change = (): void => {
    const n = Math.floor(random.float() * 60)
    if (random.float() < 0.4) {
      pinset.remove(cidNumber(n))
      return tracker.untrack(cidNumber(n))
    }
    const before = pinset.get(cidNumber(n))
    const kind = before?.maxDepth === -1 ? kinds.filter(one => one.mode !== 'direct') : kinds // the use cases refuse recursive to direct
    const pin = aPin(n, { timestamp: clock.now(), ...kind[Math.floor(random.float() * kind.length)] })
    pinset.put(pin)
    tracker.track(pin)
  }
  while (clock.now() < end) {
    change()
    await clock.advance(random.float() * 10_000)
    if (clock.now() > end - (2 - restarts) * hourMs / 3) {
      restarts++
      const stopping = tracker.stop()
      await clock.advance(5000)
      await stopping
      tracker = await restart()
    }
    if (clock.now() < recoverAt) continue
    recoverAt += pinRecoverIntervalMs
    await gathered(tracker.recoverAll())
  }

  faults.share = 0
  for (let round = 0; round < 2; round++) {
    await clock.advance(10 * 60_000)
    await gathered(tracker.recoverAll())
  }
  await clock.advance(10 * 60_000)
  const left = Object.values(tracker.operations()).reduce((sum, count) => sum + count, 0)
  const calls = node.calls.length
  await tracker.stop()
  return { node, pinset, tracker, left, calls, overlaps: overlaps(), statuses: await gathered(tracker.statusAll(0)) }
}

describe('stateless tracker in simulated time', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it(`agrees with the pinset after an hour of changes, faults and restarts (seed ${seed})`, async () => {
      const { node, pinset, left, calls, overlaps, statuses } = await simulate(seed)

      const wanted = (await gathered(pinset.pins())).filter(pin => pin.allocations.length === 0 || pin.allocations.includes(self))
      assert.deepEqual([...node.roots.keys()].toSorted(), wanted.map(pin => String(pin.cid)).toSorted())
      assert.ok(wanted.every(pin => pin.maxDepth === 0 || node.roots.get(String(pin.cid)) === 'recursive'))
      assert.deepEqual(new Set(statuses.map(info => info.status)), new Set(['pinned', 'remote']))
      assert.equal(left, 0)
      assert.equal(overlaps, 0)
      assert.ok(calls > 300)
    })
  }

  it('does the same again for the same seed', async () => {
    const [one, two] = [await simulate(7), await simulate(7)]

    assert.deepEqual(one.node.calls, two.node.calls)
  })
})
