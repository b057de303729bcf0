import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../../src/base/log.ts'
import { AllocatedNodes } from '../../../../../src/ipfs/helia/retrieval/allocated-nodes.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const { signal } = new AbortController()
const { cid: root } = await rawBlock('root')
const addressOf = (peer: string): string => `/ip4/127.0.0.1/tcp/4001/p2p/${peer}`

let clock: SimClock
let connected: string[]
let reachable: Set<string>
let dialled: string[]
let looked: number
/** Members of the cluster that hold the content, and their IPFS nodes; those that aren't told yet have to be asked for. */
let members: Map<string, { id: string, isTold: boolean }>
/** Members that answer. */
let answering: Set<string>
let asked: string[]
let mayGrow: boolean
let isGuess: boolean
let holders: AllocatedNodes

describe('peers that hold content', () => {
  beforeEach(() => {
    clock = new SimClock()
    connected = []
    reachable = new Set(['left', 'right'])
    dialled = []
    looked = 0
    members = new Map([['L', { id: 'left', isTold: true }], ['R', { id: 'right', isTold: true }]])
    answering = new Set(['L', 'R'])
    asked = []
    mayGrow = false
    isGuess = false
    holders = new AllocatedNodes({
      allocatedPeersOf: () => {
        looked++
        const list = [...members].map(([peer, { id, isTold }]) => ({
          peer,
          id: isTold ? id : undefined,
          locate: async () => {
            if (!isTold) asked.push(peer)
            if (!answering.has(peer)) throw new Error('no answer')
            return { id, addresses: [addressOf(id)] }
          }
        }))
        return { list, mayGrow, isGuess }
      },
      network: {
        askable: () => connected,
        dial: async (address, options) => {
          const peer = address.split('/').at(-1) ?? ''
          dialled.push(peer)
          if (!reachable.has(peer)) {
            return new Promise((_resolve, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)))
          }
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
    await clock.settle()

    assert.deepEqual(peers, ['left'])
    assert.deepEqual(dialled, ['right'])
  })

  it('are given up when none can be reached in time', async () => {
    reachable.clear()
    const asked = holders.connected(root, signal)

    await clock.advance(3000)

    assert.deepEqual(await asked, [])
  })

  it('are asked for their nodes where nobody has told them, once', async () => {
    members.set('L', { id: 'left', isTold: false }).delete('R')

    const first = await holders.connected(root, signal)
    await clock.advance(5000)
    const second = await holders.connected(root, signal)

    assert.deepEqual([first, second, asked], [['left'], ['left'], ['L']])
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

  it('are expected until all are connected, and told to who asks from then on', async () => {
    members.set('L', { id: 'left', isTold: false })
    answering.delete('L')
    connected = ['right']
    const before = await holders.connected(root, signal)
    let isOver = false
    const over = holders.allConnected(root, signal).then(() => { isOver = true })
    await clock.advance(1600)
    const whileSilent = isOver
    answering.add('L')

    await clock.advance(600)
    await over

    assert.equal(whileSilent, false)
    assert.deepEqual(before, ['right'])
    assert.deepEqual(await holders.connected(root, signal), ['left', 'right'])
  })

  it('are not expected any more when they do not live', async () => {
    answering.clear()
    const over = holders.allConnected(root, signal)
    await clock.advance(1000)
    members.clear()

    await clock.advance(600)

    await over
  })

  it('are expected while members may not have been heard of', async () => {
    members.clear()
    mayGrow = true
    const over = holders.allConnected(root, signal)
    await clock.advance(2000)
    members.set('L', { id: 'left', isTold: true })
    await clock.advance(600)
    mayGrow = false

    await clock.advance(600)
    await over

    assert.deepEqual(connected, ['left'])
  })

  it('are all members, tried once, when nobody is said to have it', async () => {
    isGuess = true
    reachable.delete('right')
    const before = await holders.connected(root, signal)
    const over = holders.allConnected(root, signal)
    await clock.advance(3000)
    await over

    await holders.allConnected(root, signal)

    assert.deepEqual([before, [...connected], dialled], [[], ['left'], ['left', 'right']])
    await clock.advance(30_000)
    reachable.add('right')
    await holders.allConnected(root, signal)
    assert.deepEqual(connected, ['left', 'right'])
  })

  it('are waited for when it turns out meanwhile that they have it', async () => {
    isGuess = true
    members.delete('R')
    answering.delete('L')
    const over = holders.allConnected(root, signal)
    isGuess = false
    await clock.advance(600)
    answering.add('L')

    await clock.advance(600)
    await over

    assert.deepEqual(connected, ['left'])
  })

  it('are not waited for any longer than somebody wants', async () => {
    reachable.clear()
    const leaving = new AbortController()
    const waiting = holders.allConnected(root, leaving.signal)
    await clock.advance(1000)

    leaving.abort(new Error('enough'))

    await assert.rejects(waiting, { message: 'enough' })
    await clock.advance(10_000)
    assert.equal(clock.pending, 0)
  })
})
