import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { HolderPeers } from '../../../../src/ipfs/helia/holder-peers.ts'
import { rawBlock } from '../../../contract/ipfs.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const { signal } = new AbortController()
const { cid: root } = await rawBlock('root')
const addressOf = (peer: string): string => `/ip4/127.0.0.1/tcp/4001/p2p/${peer}`

let clock: SimClock
let connected: string[]
let reachable: Set<string>
let dialled: string[]
let looked: number
let holders: HolderPeers

describe('peers that hold content', () => {
  beforeEach(() => {
    clock = new SimClock()
    connected = []
    reachable = new Set(['left', 'right'])
    dialled = []
    looked = 0
    holders = new HolderPeers({
      holdersOf: () => {
        looked++
        return ['left', 'right'].map(id => ({ id, addresses: async () => [addressOf(id)] }))
      },
      network: {
        askable: () => connected,
        dial: async (address, options) => {
          const peer = address.split('/').at(-1) ?? ''
          dialled.push(peer)
          if (!reachable.has(peer)) return new Promise((_resolve, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)))
          connected.push(peer)
        }
      },
      networkReady: async () => {},
      clock,
      log: silentLogger
    })
  })

  it('are dialled when none is connected, and named once one is', async () => {
    reachable.delete('right')

    const peers = await holders.connected(root, signal)

    assert.deepEqual(peers, ['left'])
    assert.deepEqual(dialled, ['left', 'right'])
  })

  it('are not waited for while another one is connected', async () => {
    connected = ['left']
    reachable.delete('right')

    const peers = await holders.connected(root, signal)

    assert.deepEqual(peers, ['left'])
    assert.deepEqual(dialled, ['right'])
  })

  it('are given up when none can be reached in time', async () => {
    reachable.clear()
    const asked = holders.connected(root, signal)

    await clock.advance(3000)

    assert.deepEqual(await asked, [])
  })

  it('are looked up once for the many blocks of a file, and again later', async () => {
    for (let block = 0; block < 100; block++) await holders.connected(root, signal)
    const atOnce = looked
    await clock.advance(5000)

    await holders.connected(root, signal)

    assert.equal(atOnce, 1)
    assert.equal(looked, 2)
    assert.deepEqual(dialled, ['left', 'right'])
  })

  it('are nobody without a root', async () => {
    assert.deepEqual(await holders.connected(undefined, signal), [])
    assert.equal(looked, 0)
  })
})
