import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { statelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import type { StatelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import { trackerSettings } from '../../../contract/tracker-harness.ts'
import { SimClock } from '../../../support/sim-clock.ts'
import { aPin, cidNumber, FakePinset, gathered, TrackedNode } from '../../../support/tracked-node.ts'

const identity = { peerName: 'me', ipfsPeerId: '12D3KooWNode', ipfsPeerAddresses: [] }
const never = new AbortController().signal

/** A tracker in front of a node that refuses pin 1 for as long as it is denied. */
async function open (): Promise<{
  tracker: StatelessTracker, pinset: FakePinset, node: TrackedNode, clock: SimClock, denied: Set<string>
}> {
  const datastore = memoryDatastore()
  await datastore.start(never)
  const [pinset, node, clock, denied] = [new FakePinset(), new TrackedNode(), new SimClock(), new Set([cidNumber(1).toString()])]
  node.behaviour = async call => {
    if (call === 'pin 1' && denied.size > 0) throw new ClusterError('DENIED', {}, { message: 'it is denied by bad.deny:7' })
  }
  const deniedBy = (cid: { toString (): string }): string | undefined => denied.has(cid.toString()) ? 'bad.deny:7' : undefined
  const tracker = statelessTracker(trackerSettings, {
    state: pinset, progress: () => pinset.progress, ipfs: node, datastore, deniedBy, clock, log: silentLogger, identity: () => identity
  })
  await tracker.start(never)
  return { tracker, pinset, node, clock, denied }
}

describe('a pin of content that is larger than it may be', () => {
  it('fails with the reason, is not tried again by itself, and is when it is changed or asked for', async () => {
    const { tracker, pinset, node, clock } = await open()
    node.behaviour = async call => {
      if (call === 'pin 1') throw new ClusterError('CONTENT_TOO_LARGE', {}, { message: 'the content is larger than its pin may be' })
    }
    pinset.put(aPin(1))
    tracker.track(aPin(1))
    await clock.settle()
    for (let round = 0; round < 3; round++) {
      await gathered(tracker.recoverAll())
      await clock.settle()
    }
    const { status, error } = await tracker.status(cidNumber(1))
    const calls = [...node.calls]

    tracker.track(aPin(1))
    await clock.settle()
    await tracker.recover(cidNumber(1))
    await clock.settle()

    assert.deepEqual([status, error, calls], ['pin_error', 'the content is larger than its pin may be', ['pin 1']])
    assert.equal(tracker.operation(cidNumber(1))?.nextTryAt, null)
    assert.deepEqual(node.calls, ['pin 1', 'pin 1', 'pin 1'])
  })
})

describe('a pin of denied content', () => {
  it('fails with the rule as its error and is not tried again while it is denied', async () => {
    const { tracker, pinset, node, clock } = await open()
    pinset.put(aPin(1))
    tracker.track(aPin(1))
    await clock.settle()

    for (let round = 0; round < 3; round++) {
      await gathered(tracker.recoverAll())
      await clock.settle()
    }

    const { status, error, attemptCount } = await tracker.status(cidNumber(1))
    assert.deepEqual([status, error, attemptCount], ['pin_error', 'it is denied by bad.deny:7', 1])
    assert.deepEqual(node.calls, ['pin 1'])
    assert.equal(tracker.operation(cidNumber(1))?.nextTryAt, null)
  })

  it('is tried again when it is not denied any more', async () => {
    const { tracker, pinset, clock, denied } = await open()
    pinset.put(aPin(1))
    tracker.track(aPin(1))
    await clock.settle()

    denied.clear()
    await gathered(tracker.recoverAll())
    await clock.settle()

    assert.equal((await tracker.status(cidNumber(1))).status, 'pinned')
  })

  it('that is here already stays pinned, and its status names the rule', async () => {
    const { tracker, pinset, node, clock, denied } = await open()
    const rules = [...denied]
    denied.clear()
    pinset.put(aPin(1))
    tracker.track(aPin(1))
    await clock.settle()
    const before = await tracker.status(cidNumber(1))

    for (const cid of rules) denied.add(cid)
    const [after, recovered] = [await tracker.status(cidNumber(1)), await tracker.recover(cidNumber(1))]
    await gathered(tracker.recoverAll())
    await clock.settle()

    assert.deepEqual([before.status, before.error], ['pinned', ''])
    for (const { status, error } of [after, recovered]) {
      assert.deepEqual([status, error], ['pinned', 'denied by bad.deny:7: kept until it is unpinned, and given to nobody'])
    }
    assert.deepEqual(node.calls, ['pin 1'])
  })

  it('is tried when somebody asks for it, and goes when it is unpinned', async () => {
    const { tracker, pinset, node, clock } = await open()
    pinset.put(aPin(1))
    tracker.track(aPin(1))
    await clock.settle()

    await tracker.recover(cidNumber(1))
    await clock.settle()
    pinset.remove(cidNumber(1))
    tracker.untrack(cidNumber(1))
    await clock.settle()

    assert.deepEqual(node.calls, ['pin 1', 'pin 1', 'unpin 1'])
    assert.equal((await tracker.status(cidNumber(1))).status, 'unpinned')
  })
})
