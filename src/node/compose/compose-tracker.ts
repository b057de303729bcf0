import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { AuditRows } from '../../cluster/audit/audit-rows.ts'
import type { CrdtConsensus } from '../../consensus/crdt/crdt-consensus.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import { parsePingValue } from '../../model/metric.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { statelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import type { StatelessTracker } from '../../tracker/stateless/stateless-tracker.ts'
import type { OperationChange } from '../../tracker/tracker.ts'
import type { NodeInit } from '../node-contract.ts'
import type { Stores } from './compose-stores.ts'

export interface TrackerDeps {
  consensus: CrdtConsensus
  monitor: Monitor
  ipfs: IpfsConnector
  denylist: Denylist
  stores: Pick<Stores, 'local'>
  auditRows: AuditRows
  /** What this peer is called before its own ping is known. */
  peerName: string
  clock: Clock
  log: Logger
}

/** What lets the IPFS node pin what the pinset gives to this peer. */
export function composeTracker (
  { config, identity: { id: self } }: NodeInit, { consensus, monitor, ipfs, denylist, stores, auditRows, peerName, clock, log }: TrackerDeps
): StatelessTracker {
  // the embedded node writes what it unpins together; another one has each asked for
  const concurrentUnpins = config.ipfs.kind === 'helia' ? 64 : 4
  const tracker = statelessTracker(
    {
      self, ...config.tracker, concurrentUnpins, pinRecoverIntervalMs: config.cluster.pinRecoverIntervalMs,
      queues: { by: config.tracker.queueBy, shares: config.tracker.queues }
    },
    {
      state: consensus.state, progress: () => consensus.progress(), durable: async () => consensus.durable(), ipfs, datastore: stores.local,
      deniedBy: cid => denylist.checkCid(cid)?.rule,
      notes: { isEmpty: () => auditRows.damagedCount === 0, on: cid => auditRows.noteOf(cid) },
      clock, log: log.child('pintracker'),
      identity: () => identityOf(monitor, self, peerName)
    })
  forgetAudits({ tracker, self, rows: auditRows, log })
  return tracker
}

export interface ForgetAuditsDeps {
  tracker: Pick<StatelessTracker, 'onOperation'>
  self: PeerId
  rows: Pick<AuditRows, 'remove'>
  log: Logger
}

const gone: ReadonlySet<OperationChange['status']> = new Set(['unpinned', 'remote'])

/** What an audit found ends with the pin on this peer: pinned again it is other blocks, which nobody has looked at. */
export function forgetAudits ({ tracker, self, rows, log }: ForgetAuditsDeps): void {
  tracker.onOperation(change => {
    if (gone.has(change.status)) rows.remove(self, change.cid()).catch(err => log.warn('the result of an audit could not be removed', { err }))
  })
}

/** What rows of status lists say of this peer: its own latest ping. */
function identityOf (monitor: Monitor, self: PeerId, peerName: string) {
  const ping = monitor.latestOf('ping', self)
  const { ipfsId, ipfsAddresses } = parsePingValue(ping?.value ?? '{}')
  return { peerName, ipfsPeerId: ipfsId, ipfsPeerAddresses: ipfsAddresses }
}
