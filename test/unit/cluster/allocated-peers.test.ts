import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allocatedPeersOf } from '../../../src/cluster/pinning/allocated-peers.ts'
import type { AllocatedPeers } from '../../../src/ipfs/allocated-peers.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { pinOf } from '../../support/pins.ts'
import { rawBlock } from '../../support/unixfs-blocks.ts'

const aPeer = {
  id: '', addresses: [], clusterPeers: [], clusterPeersAddresses: [], version: '', commit: '', rpcProtocolVersion: '', error: '',
  peerName: ''
}
const { cid } = await rawBlock('pinned')
const ping = (ipfsId: string, addresses?: string[]): string =>
  JSON.stringify({ peer_name: 'name', ipfs_id: ipfsId, ...(addresses == null ? {} : { ipfs_addresses: addresses }) })
const pings = new Map([
  ['self', ping('own', ['/ip4/1.1.1.1/tcp/1'])],
  ['left', ping('L', ['/ip4/2.2.2.2/tcp/2', '/ip4/3.3.3.3/tcp/3/p2p/L'])],
  ['right', ping('R')],
  ['joined', ping('')],
  ['odd', 'no JSON']
])
const expired = new Set(['gone'])

const metric = (peer: string, value: string) => ({
  name: 'ping', peer, value, expire: 0n, valid: true, weight: 0n, partitionable: false, receivedAt: 0n
})
const allocated = (...allocations: string[]): Pin => pinOf(cid, { allocations, replicationFactorMin: 1, replicationFactorMax: 3 })
const everywhere = pinOf(cid, { replicationFactorMin: -1, replicationFactorMax: -1 })

const told = (
  pin: Pin | undefined, { isFresh = false } = {}
): AllocatedPeers => allocatedPeersOf(cid, { self: 'self', peersetMetric: 'ping' }, {
  state: { get: () => pin },
  remotes: { info: async peer => ({
    ...aPeer, ipfs: { id: `${peer}'s node`, addresses: peer === 'odd' ? null : [`/ip4/127.0.0.1/tcp/4`], error: '' }
  }) },
  monitor: {
    latest: () => [...pings].map(([peer, value]) => metric(peer, value)),
    latestOf: (_name, peer) => pings.has(peer) ? metric(peer, pings.get(peer) ?? '') : undefined,
    lastKnownOf: (_name, peer) => pings.has(peer) || expired.has(peer) ? metric(peer, pings.get(peer) ?? '') : undefined
  },
  isFresh: () => isFresh
})
const idsOf = ({ list }: AllocatedPeers): unknown[] => list.map(({ peer, id }) => [peer, id])
const placesOf = async ({ list }: AllocatedPeers): Promise<unknown[]> => Promise.all(list.map(async holder => holder.locate({})))

describe('holders of a pin', () => {
  it('are the other peers that it is allocated to, with what their pings tell', async () => {
    const holders = told(allocated('self', 'left'))

    assert.deepEqual(idsOf(holders), [['left', 'L']])
    assert.deepEqual(await placesOf(holders), [{ id: 'L', addresses: ['/ip4/2.2.2.2/tcp/2/p2p/L', '/ip4/3.3.3.3/tcp/3/p2p/L'] }])
    assert.equal(holders.mayGrow, false)
  })

  it('are all other members when it is pinned everywhere; those whose pings tell no node or no address are asked', async () => {
    const holders = told(everywhere)

    assert.deepEqual(idsOf(holders), [['left', 'L'], ['right', 'R'], ['joined', undefined], ['odd', undefined]])
    assert.deepEqual((await placesOf(holders)).slice(1), [
      { id: "right's node", addresses: ["/ip4/127.0.0.1/tcp/4/p2p/right's node"] },
      { id: "joined's node", addresses: ["/ip4/127.0.0.1/tcp/4/p2p/joined's node"] },
      { id: "odd's node", addresses: [] }
    ])
  })

  it('are also those of whom nothing was heard yet while this peer has just begun, but never those who went silent', () => {
    const pin = allocated('gone', 'unheard')

    assert.deepEqual(idsOf(told(pin, { isFresh: true })), [['unheard', undefined]])
    assert.deepEqual(idsOf(told(pin)), [])
  })

  it('may become more for what is pinned everywhere while this peer has just begun', () => {
    assert.equal(told(everywhere, { isFresh: true }).mayGrow, true)
    assert.equal(told(everywhere).mayGrow, false)
    assert.equal(told(allocated('left'), { isFresh: true }).mayGrow, false)
  })

  it('may be all other members for what is not pinned as far as this peer knows', () => {
    const holders = told(undefined, { isFresh: true })

    assert.deepEqual(holders.list.map(({ peer }) => peer), ['left', 'right', 'joined', 'odd'])
    assert.deepEqual([holders.mayGrow, holders.isGuess, told(everywhere).isGuess], [false, true, false])
  })
})
