/**
 * What `import 'helia-cluster/testing'` gives: clusters in a simulated world, and the suites that every implementation of a contract has to
 * pass. The suites declare tests of `node:test`: call them in a file that it runs.
 *
 * @example
 * ```ts
 * import { SimulatedCluster } from 'helia-cluster/testing'
 *
 * const cluster = await SimulatedCluster.start({ peers: 3 })
 * const cid = cluster.cid('a photo')
 * await cluster.pin(0, cid, { replicationFactorMin: 2, replicationFactorMax: 2 })
 * await cluster.advance(60_000)
 * console.log(await cluster.status(0, cid)) // on two of the three: pinned
 * await cluster.stop()
 * ```
 */
export { allocatorContract } from '../contract/allocator.ts'
export { blockstoreContract } from '../contract/blockstore.ts'
export type { BlockstoreSubject } from '../contract/blockstore.ts'
export { broadcastContract } from '../contract/broadcast.ts'
export type { BroadcastHarness, BroadcastMember } from '../contract/broadcast.ts'
export { blockExchangeContract } from '../contract/block-exchange.ts'
export type { ExchangeHarness, ExchangeMember } from '../contract/block-exchange.ts'
export { consensusContract } from '../contract/consensus.ts'
export type { ConsensusSubject } from '../contract/consensus.ts'
export { datastoreContract } from '../contract/datastore.ts'
export type { DatastoreSubject } from '../contract/datastore.ts'
export { historyContract } from '../contract/history.ts'
export type { HistoryHarness } from '../contract/history.ts'
export { informerContract } from '../contract/informer.ts'
export type { InformerHarness } from '../contract/informer.ts'
export { ipfsContract } from '../contract/ipfs.ts'
export type { IpfsOptionsOfTest, IpfsSubject, IpfsTraits } from '../contract/ipfs.ts'
export { monitorContract } from '../contract/monitor.ts'
export type { MonitorHarness } from '../contract/monitor.ts'
export { pinIndexContract } from '../contract/pinindex.ts'
export type { PinIndexSubject } from '../contract/pinindex.ts'
export { trackerContract } from '../contract/tracker.ts'
export type { OpenTracker, TrackerHarness, TrackerSettings } from '../contract/tracker-harness.ts'
export { SeededRandom, SimClock } from '../support/sim-clock.ts'
export { simulateTrouble } from './simulated-trouble.ts'
export type { TroubleInit, TroubleResult } from './simulated-trouble.ts'
export { SimulatedCluster } from './simulated-cluster.ts'
export type { SimulatedClusterInit, SimulatedPin, SimulatedPinOptions, SimulatedStatus } from './simulated-cluster.ts'
export type { Allocator } from '../../src/allocator/allocator.ts'
export type { Clock } from '../../src/base/clock.ts'
export type { Informer } from '../../src/informer/informer.ts'
export type { Metric } from '../../src/model/metric.ts'
export type { Extensions, MakeInformer } from '../../src/node/extensions.ts'
