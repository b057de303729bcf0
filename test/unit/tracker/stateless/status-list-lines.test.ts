import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { globalFromLocal } from '../../../../src/model/pin-info.ts'
import { StatusPrinter } from '../../../../src/model/status-printer.ts'
import { trackerStatuses, unfinishedStatuses } from '../../../../src/model/status.ts'
import { statelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import type { StatelessTracker } from '../../../../src/tracker/stateless/stateless-tracker.ts'
import type { PinRemarks } from '../../../../src/tracker/stateless/status-list.ts'
import { trackerSettings } from '../../../contract/tracker-harness.ts'
import { anyPin } from '../../../support/any-pin.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { aPin, cidNumber, FakePinset, TrackedNode } from '../../../support/tracked-node.ts'

const never = new AbortController().signal
const identity = { peerName: 'me & "you"', ipfsPeerId: '12D3KooWNode', ipfsPeerAddresses: ['/ip4/127.0.0.1/tcp/1'] }
const filters = [0, ...Object.values(trackerStatuses), unfinishedStatuses, trackerStatuses.pinned | trackerStatuses.unpin_error]

interface Surroundings { tracker: StatelessTracker, pinset: FakePinset, node: TrackedNode, clock: SimClock }

/** Something is to be said of each second item, when it is pinned. */
const notes: PinRemarks = {
  isEmpty: () => false, on: cid => (cid.multihash.digest[0] ?? 0) % 2 === 0 ? 'an audit found "1" block <damaged>' : ''
}

async function open ({ notes }: { notes?: PinRemarks } = {}): Promise<Surroundings> {
  const datastore = memoryDatastore()
  await datastore.start(never)
  const [pinset, node, clock] = [new FakePinset(), new TrackedNode(), new SimClock()]
  const tracker = statelessTracker({ ...trackerSettings, maxPinQueueSize: 50 }, {
    state: pinset, progress: () => pinset.progress, ipfs: node, datastore, clock, log: silentLogger, identity: () => identity,
    ...(notes == null ? {} : { notes })
  })
  await tracker.start(never)
  return { tracker, pinset, node, clock }
}

async function bothForms (tracker: StatelessTracker, filter: number): Promise<{ lines: string, printed: string }> {
  const chunks: Uint8Array[] = []
  for await (const chunk of tracker.statusLines(filter)) {
    assert.equal(chunk.at(-1), 10)
    chunks.push(chunk)
  }
  const printer = new StatusPrinter()
  let printed = ''
  for await (const rows of tracker.statusAll(filter)) printed += printer.lines(rows.map(globalFromLocal))
  return { lines: Buffer.concat(chunks).toString(), printed }
}

describe('lines of statuses', () => {
  it('are the rows as they are printed, whatever the pins, the node\'s roots, the operations and the filter', async () => {
    const [seen, noted] = [new Set<string>(), new Set<string>()]
    for (let seed = 0; seed < 8; seed++) {
      const random = new SeededRandom(seed)
      const { tracker, pinset, node, clock } = await open(seed % 2 === 0 ? {} : { notes })
      const pins = Array.from({ length: 600 }, (_, at) => anyPin(random, at, trackerSettings.self))
      node.behaviour = async (_call, signal) => {
        if (random.float() < 0.5) throw new ClusterError('IPFS_ERROR', {}, { message: 'it <fails>' })
        await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)) })
      }
      for (const pin of pins) {
        const chance = random.float()
        if (chance < 0.9) pinset.put(pin)
        if (chance < 0.8) node.roots.set(pin.cid.toString(), random.float() < 0.9 ? 'recursive' : 'direct')
        if (seed > 2 && random.float() < 0.3) tracker.track(pin)
        if (seed > 2 && chance > 0.95) tracker.untrack(pin.cid)
      }
      await clock.settle()

      for (const filter of filters) {
        const { lines, printed } = await bothForms(tracker, filter)
        assert.deepEqual(lines.split('\n'), printed.split('\n'), `seed ${seed}, filter ${filter}`)
        for (const [line, status = ''] of lines.matchAll(/"status":"(\w+)",.*?"error":"an audit found/g)) noted.add(`${status} ${line.length < 200}`)
        for (const [, status = ''] of lines.matchAll(/"status":"(\w+)","timestamp"/g)) seen.add(status)
      }
    }

    assert.deepEqual([...noted], ['pinned true'])
    assert.deepEqual(
      [...seen].toSorted(), ['pin_error', 'pin_queued', 'pinned', 'pinning', 'remote', 'sharded', 'unexpectedly_unpinned', 'unpin_error', 'unpin_queued', 'unpinning']
    )
  })

  it('are of what the pinset has where a line is of another form', async () => {
    const { tracker, pinset, node } = await open()
    pinset.put(aPin(1), aPin(2), aPin(3))
    node.roots.set(cidNumber(2).toString(), 'recursive')
    pinset.lines = async function * () {
      yield [`{"cid":"${cidNumber(1)}"}\n`, `{"cid":"${cidNumber(2)}"}\n`, `{"cid":"${cidNumber(9)}"}\n`]
    }

    const { lines } = await bothForms(tracker, 0)

    assert.deepEqual(
      lines.trim().split('\n').map(line => JSON.parse(line)).map(({ name, peer_map: peers }) => [name, peers[trackerSettings.self].status]),
      [['pin 1', 'unexpectedly_unpinned'], ['pin 2', 'pinned']]
    )
  })

  it('say pinned of what was pinned after the list had begun', async () => {
    const { tracker, pinset, node, clock } = await open()
    pinset.put(aPin(1))
    const list = tracker.statusLines(0)[Symbol.asyncIterator]()
    const lines = pinset.lines.bind(pinset)
    pinset.lines = async function * () {
      tracker.track(aPin(1))
      await clock.settle()
      yield * lines()
    }

    const { value } = await list.next()

    assert.equal(node.openViews, 1)
    assert.match(Buffer.from(value ?? []).toString(), /"status":"pinned"/)
    await list.return?.()
    assert.equal(node.openViews, 0)
  })
})
