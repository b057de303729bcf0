import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReallocatedPeers } from '../../../src/cluster/peers/reallocated-peers.ts'
import { aCid } from '../../support/cluster/values.ts'

describe('reallocated holders', () => {
  it('are those that lost what they were given three times', () => {
    const holders = new ReallocatedPeers()
    const contestedAfter: string[][] = []

    for (let time = 0; time < 4; time++) {
      holders.gave(aCid(), ['loser'])
      holders.gave(aCid(`other ${time}`), ['keeper'])
      contestedAfter.push(holders.reallocated())
    }

    assert.deepEqual(contestedAfter, [[], [], [], ['loser']])
  })

  it('count losses of different items together, and each peer of an item by itself', () => {
    const holders = new ReallocatedPeers()
    for (const name of ['1', '2', '3']) holders.gave(aCid(name), ['a', 'b'])

    for (const name of ['1', '2', '3']) holders.gave(aCid(name), ['b'])

    assert.deepEqual(holders.reallocated(), ['b'])
  })

  it('forget the oldest items', () => {
    const holders = new ReallocatedPeers()

    for (let round = 0; round < 5; round++) for (let at = 0; at < 1025; at++) holders.gave(aCid(at), ['a'])

    assert.deepEqual(holders.reallocated(), [])
  })
})
