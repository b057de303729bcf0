import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { throttledWalk } from '../../../src/libp2p/throttled-walk.ts'
import { SimClock } from '../../support/sim-clock.ts'

describe('a calm walk', () => {
  it('rests between searches, also when they find nobody or fail, and ends with the signal', async () => {
    const clock = new SimClock()
    const stop = new AbortController()
    let searches = 0
    const peerRouting = { getClosestPeers: async function * () { if (++searches % 2 === 0) throw new Error('nobody to ask') } }
    const walk = (async () => {
      for await (const _ of throttledWalk({ peerRouting }, { clock }).walk({ signal: stop.signal })) assert.fail()
    })()

    await clock.advance(59_999)
    assert.equal(searches, 1)
    await clock.advance(120_001)
    stop.abort(new Error('enough'))

    await assert.rejects(walk, /enough/)
    assert.equal(searches, 4)
  })
})
