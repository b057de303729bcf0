import type { Clock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { statelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { SimClock } from '../support/sim-clock.ts'
import { FakePinset, TrackedNode } from '../support/tracked-node.ts'
import { trackerSettings, type OpenTracker } from './tracker-harness.ts'
import { trackerRecoveryContract } from './tracker-recovery.ts'
import { trackerQueuesContract } from './tracker-queues.ts'
import { trackerStuckContract } from './tracker-stuck.ts'
import { trackerSurplusContract } from './tracker-surplus.ts'
import { trackerWholeContract } from './tracker-whole.ts'
import { trackerContract } from './tracker.ts'

const identity = { peerName: 'me', ipfsPeerId: '12D3KooWNode', ipfsPeerAddresses: ['/dns4/example.net/tcp/4001'] }

/** The store as a process has it: nothing comes to the disk any more once that is over. */
const storeOf = (process: { isOver: boolean }, store: Datastore): Datastore => new Proxy(store, {
  get: (target, name) => {
    const value: unknown = Reflect.get(target, name)
    if (typeof value !== 'function') return value
    return name === 'write' && process.isOver ? async () => new Promise(() => {}) : value.bind(target)
  }
})

/** The clock likewise: nothing begins any more. */
const clockOf = (process: { isOver: boolean }, clock: SimClock): Clock => ({
  now: () => clock.now(),
  elapsed: () => clock.elapsed(),
  sleep: async (ms, signal) => clock.sleep(ms, signal),
  after: (ms, callback) => clock.after(ms, () => { if (!process.isOver) callback() })
})

const open: OpenTracker = async some => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const pinset = new FakePinset()
  const node = new TrackedNode()
  const clock = new SimClock()
  let process = { isOver: false }
  const make = () => statelessTracker({ ...trackerSettings, ...some },
    {
      state: pinset, progress: () => pinset.progress, ipfs: node, datastore: storeOf(process, datastore), clock: clockOf(process, clock),
      log: silentLogger, identity: () => identity
    })
  let tracker = make()
  await tracker.start(new AbortController().signal)
  const restart = async () => {
    await tracker.stop()
    tracker = make()
    await tracker.start(new AbortController().signal)
    return tracker
  }
  const crash = async () => {
    process.isOver = true
    await tracker.drain?.() // what has ended begins nothing more
    process = { isOver: false }
    tracker = make()
    await tracker.start(new AbortController().signal)
    return tracker
  }
  return { tracker, pinset, node, clock, restart, crash }
}

trackerContract('stateless', open)
trackerRecoveryContract('stateless', open)
trackerStuckContract('stateless', open)
trackerQueuesContract('stateless', open)
trackerSurplusContract('stateless', open)
trackerWholeContract('stateless', open)
