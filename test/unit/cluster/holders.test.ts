import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { holdersOf } from '../../../src/cluster/holders.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { pinOf, rawBlock } from '../../contract/ipfs.ts'

const aPeer = { id: '', addresses: [], clusterPeers: [], clusterPeersAddresses: [], version: '', commit: '', rpcProtocolVersion: '', error: '', peerName: '' }
const { cid } = await rawBlock('pinned')
const ping = (ipfsId: string, addresses?: string[]): string => JSON.stringify({ peer_name: 'name', ipfs_id: ipfsId, ...(addresses == null ? {} : { ipfs_addresses: addresses }) })
const pings = new Map([['self', ping('own', ['/ip4/1.1.1.1/tcp/1'])], ['left', ping('L', ['/ip4/2.2.2.2/tcp/2', '/ip4/3.3.3.3/tcp/3/p2p/L'])], ['right', ping('R')], ['odd', 'no JSON']])

/** IDs and addresses. */
const told = async (pin: Pin | undefined): Promise<unknown[]> => Promise.all(holdersOf(cid, { self: 'self', peersetMetric: 'ping' }, {
  state: { get: () => pin },
  remotes: { info: async peer => ({ ...aPeer, ipfs: { id: 'R', addresses: [`/ip4/127.0.0.1/tcp/4/p2p/${peer === 'right' ? 'R' : 'unknown'}`], error: '' } }) },
  monitor: {
    latest: () => [...pings].map(([peer, value]) => metric(peer, value)),
    latestOf: (_name, peer) => pings.has(peer) ? metric(peer, pings.get(peer) ?? '') : undefined
  }
}).map(async ({ id, addresses }) => [id, ...await addresses({})]))

const metric = (peer: string, value: string) => ({ name: 'ping', peer, value, expire: 0n, valid: true, weight: 0n, partitionable: false, receivedAt: 0n })
const allocated = (...allocations: string[]): Pin => pinOf(cid, { allocations, replicationFactorMin: 1, replicationFactorMax: 3 })

describe('holders of a pin', () => {
  it('are the other peers that it is allocated to, with what their pings tell', async () => {
    assert.deepEqual(await told(allocated('self', 'left')), [['L', '/ip4/2.2.2.2/tcp/2/p2p/L', '/ip4/3.3.3.3/tcp/3/p2p/L']])
  })

  it('are all other members when it is pinned everywhere; those whose pings tell no addresses are asked', async () => {
    assert.deepEqual(await told(pinOf(cid, { replicationFactorMin: -1, replicationFactorMax: -1 })), [['L', '/ip4/2.2.2.2/tcp/2/p2p/L', '/ip4/3.3.3.3/tcp/3/p2p/L'], ['R', '/ip4/127.0.0.1/tcp/4/p2p/R']])
  })

  it('are nobody for what is not pinned, and for peers that say nothing', async () => {
    assert.deepEqual(await told(undefined), [])
    assert.deepEqual(await told(allocated('gone', 'odd')), [])
  })
})
