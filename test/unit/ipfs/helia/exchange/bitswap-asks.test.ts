import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { BitswapAnswers } from '../../../../../src/ipfs/helia/exchange/bitswap-answers.ts'
import { BitswapAsks } from '../../../../../src/ipfs/helia/exchange/bitswap-asks.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

interface Sent { peer: string, wants: string[] }

const { signal } = new AbortController()
const blocks = await Promise.all(['a', 'b', 'c', 'd'].map(async text => rawBlock(text)))
const cids = blocks.map(({ cid }) => cid)
const [one = blocks[0] as never] = blocks

let clock: SimClock
let sent: Sent[]
let unreachable: Set<string>
let tell: { block: (bytes: Uint8Array, cid: CID, from: string) => void, lacking: (cid: CID, from: string) => void }
let asks: BitswapAsks

describe('asking chosen peers for blocks', () => {
  beforeEach(() => {
    clock = new SimClock()
    sent = []
    unreachable = new Set()
    const answers = new BitswapAnswers()
    const listeners = new Map<string, (event: any) => void>()
    answers.listenTo({ addEventListener: (type: string, listener: (event: any) => void) => { listeners.set(type, listener) } })
    tell = {
      block: (block, cid, sender) => listeners.get('block')?.({ detail: { cid, sender, block } }),
      lacking: (cid, sender) => listeners.get('presence')?.({ detail: { cid, sender, has: false } })
    }
    asks = new BitswapAsks({ quietMs: 2000 }, {
      answers,
      clock,
      send: async (peer, { wantlist }) => {
        if (unreachable.has(peer)) throw new Error('not connected')
        sent.push({ peer, wants: [...wantlist.values()].map(({ cid }) => CID.decode(cid).toString()) })
      }
    })
  })

  it('asks one peer a block, in turn, with one message each', async () => {
    const asked = cids.map(async cid => asks.ask(cid, ['left', 'right'], { signal }))
    await clock.advance(5)

    for (const { cid, bytes } of blocks) tell.block(bytes, cid, 'left')

    assert.deepEqual(await Promise.all(asked), blocks.map(({ bytes }) => bytes))
    assert.deepEqual(
      sent, [{ peer: 'left', wants: [String(cids[0]), String(cids[2])] }, { peer: 'right', wants: [String(cids[1]), String(cids[3])] }]
    )
  })

  it('asks the next one when a peer does not have it, or can not be reached', async () => {
    unreachable.add('left')
    const asked = asks.ask(one.cid, ['left', 'middle', 'right'], { signal })
    await clock.advance(5)
    tell.lacking(one.cid, 'middle')
    await clock.advance(5)

    tell.block(one.bytes, one.cid, 'right')

    assert.deepEqual(await asked, one.bytes)
    assert.deepEqual(sent.map(({ peer }) => peer), ['middle', 'right'])
  })

  it('gives up when none has it', async () => {
    const asked = asks.ask(one.cid, ['left'], { signal })
    await clock.advance(5)

    tell.lacking(one.cid, 'left')

    assert.equal(await asked, undefined)
    assert.equal(clock.pending, 0)
  })

  it('waits for a peer that sends others, and not for one that is silent', async () => {
    let isOver = false
    const asked = asks.ask(one.cid, ['left'], { signal }).finally(() => { isOver = true })
    void asks.ask(cids[1] as CID, ['left'], { signal })
    await clock.advance(1500)
    tell.block(blocks[1]?.bytes as Uint8Array, cids[1] as CID, 'left')

    await clock.advance(1500)
    const early = isOver
    await clock.advance(1000)

    assert.equal(early, false)
    assert.equal(await asked, undefined)
  })

  it('ends with the signal', async () => {
    const left = new AbortController()
    const asked = asks.ask(one.cid, ['left'], { signal: left.signal })
    await clock.settle()

    left.abort(new Error('left'))

    await assert.rejects(asked, { message: 'left' })
  })
})
