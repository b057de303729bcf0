import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closedMethods, methods } from '../../../src/rpc/methods.ts'

/** The policies of a Go peer 1.1.6 (rpc_policy.go); what isn't listed is closed. */
const open = ['Cluster.ID', 'Cluster.IDStream', 'Cluster.PeerAdd', 'Cluster.Version']
const trusted = [
  'Cluster.PeerRemove', 'Cluster.Peers', 'Cluster.RecoverAllLocal', 'Cluster.RecoverLocal', 'Cluster.RepoGCLocal',
  'Consensus.AddPeer', 'Consensus.LogPin', 'Consensus.LogUnpin', 'Consensus.RmPeer',
  'IPFSConnector.BlockStream', 'IPFSConnector.RepoStat', 'IPFSConnector.SwarmPeers',
  'PinTracker.Recover', 'PinTracker.Status', 'PinTracker.StatusAll'
]
const closed = [
  'Cluster.Alerts', 'Cluster.BandwidthByProtocol', 'Cluster.BlockAllocate', 'Cluster.ConnectGraph', 'Cluster.IPFSID', 'Cluster.Join',
  'Cluster.Pin', 'Cluster.PinGet', 'Cluster.PinPath', 'Cluster.Pins', 'Cluster.PeersWithFilter', 'Cluster.Recover', 'Cluster.RecoverAll',
  'Cluster.RepoGC', 'Cluster.SendInformerMetrics', 'Cluster.SendInformersMetrics', 'Cluster.Status', 'Cluster.StatusAll',
  'Cluster.StatusAllLocal',
  'Cluster.StatusLocal', 'Cluster.Unpin', 'Cluster.UnpinPath',
  'Consensus.Peers', 'IPFSConnector.BlockGet', 'IPFSConnector.ConfigKey', 'IPFSConnector.Pin', 'IPFSConnector.PinLs',
  'IPFSConnector.PinLsCid',
  'IPFSConnector.Resolve', 'IPFSConnector.Unpin', 'PeerMonitor.LatestMetrics', 'PeerMonitor.MetricNames',
  'PinTracker.PinQueueSize', 'PinTracker.RecoverAll', 'PinTracker.Track', 'PinTracker.Untrack'
]

describe('the policies of RPC methods', () => {
  const named = (policy: string): string[] =>
    Object.values(methods).filter(method => method.policy === policy).map(({ name }) => name).toSorted()

  it('are those of a Go peer, method by method', () => {
    assert.deepEqual({ open: named('open'), trusted: named('trusted') }, { open: open.toSorted(), trusted: trusted.toSorted() })
    assert.deepEqual([...closedMethods, ...named('closed')].toSorted(), closed.toSorted())
  })
})
