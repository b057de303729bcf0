import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../../src/base/log.ts'
import type { Datastore } from '../../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../../support/memory-datastore.ts'
import { bootstrapWorker } from '../../../../../src/ipfs/helia/network/bootstrap.ts'
import { KnownPeers } from '../../../../../src/ipfs/helia/network/known-peers.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const { signal } = new AbortController()
const addressOf = (peer: string, host = '127.0.0.1'): string => `/ip4/${host}/tcp/4001/p2p/${peer}`

describe('bootstrapping the embedded node', () => {
  let datastore: Datastore
  let known: KnownPeers
  let dialled: string[]
  let connected: string[]

  beforeEach(async () => {
    datastore = memoryDatastore()
    await datastore.start(signal)
    known = new KnownPeers({ datastore })
    dialled = []
    connected = []
  })

  const worker = () => bootstrapWorker(['a', 'b', 'c'].map(peer => addressOf(peer)), {
    known,
    network: {
      peers: () => connected,
      reached: () => connected.map(peer => addressOf(peer)),
      dial: async address => { dialled.push(address); if (!address.endsWith('x')) throw new Error('nobody is there') }
    },
    random: new SeededRandom(1),
    log: silentLogger
  })

  it('dials bootstrap peers and those that were reached before the restart', async () => {
    connected = ['x', 'y', 'z']
    await worker().work(signal)
    connected = []
    known = new KnownPeers({ datastore })

    await worker().work(signal)

    assert.deepEqual(dialled.toSorted(), ['a', 'b', 'c', 'x', 'y', 'z'].map(peer => addressOf(peer)))
  })

  it('dials nobody while enough peers are connected', async () => {
    connected = ['x', 'y', 'z']

    await worker().work(signal)

    assert.deepEqual(dialled, [])
  })

  it('keeps one address a peer, the newest, and 32 peers', async () => {
    await known.note(Array.from({ length: 40 }, (_, at) => addressOf(`peer${at}`)))

    await known.note([addressOf('peer3', '127.0.0.2'), addressOf('new')])

    assert.equal(known.list().length, 32)
    assert.deepEqual(known.list().slice(0, 3), [addressOf('peer3', '127.0.0.2'), addressOf('new'), addressOf('peer0')])
    assert.equal(known.list().filter(address => address.endsWith('peer3')).length, 1)
  })
})
