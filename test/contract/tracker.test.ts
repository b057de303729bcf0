import { silentLogger } from '../../src/base/log.ts'
import { memoryDatastore } from '../../src/datastore/memory/memory-datastore.ts'
import { statelessTracker } from '../../src/tracker/stateless/stateless-tracker.ts'
import { SimClock } from '../support/sim-clock.ts'
import { FakePinset, TrackedNode } from '../support/tracked-node.ts'
import { trackerSettings, type OpenTracker } from './tracker-harness.ts'
import { trackerRecoveryContract } from './tracker-recovery.ts'
import { trackerStuckContract } from './tracker-stuck.ts'
import { trackerSurplusContract } from './tracker-surplus.ts'
import { trackerContract } from './tracker.ts'

const identity = { peerName: 'me', ipfsPeerId: '12D3KooWNode', ipfsPeerAddresses: ['/dns4/example.net/tcp/4001'] }

const open: OpenTracker = async some => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const pinset = new FakePinset()
  const node = new TrackedNode()
  const clock = new SimClock()
  const make = () => statelessTracker({ ...trackerSettings, ...some }, { state: pinset, progress: () => pinset.progress, ipfs: node, datastore, clock, log: silentLogger, identity: () => identity })
  let tracker = make()
  await tracker.start(new AbortController().signal)
  const restart = async () => {
    await tracker.stop()
    tracker = make()
    await tracker.start(new AbortController().signal)
    return tracker
  }
  const crash = async () => {
    tracker = make()
    await tracker.start(new AbortController().signal)
    return tracker
  }
  return { tracker, pinset, node, clock, restart, crash }
}

trackerContract('stateless', open)
trackerRecoveryContract('stateless', open)
trackerStuckContract('stateless', open)
trackerSurplusContract('stateless', open)
