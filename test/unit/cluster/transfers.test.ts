import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Transfers } from '../../../src/cluster/rebalance/transfers.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import { memoryConsensus } from '../../support/cluster/memory-consensus.ts'
import { aCid, aPin, factors, options } from '../../support/cluster/values.ts'
import { SimClock } from '../../support/sim-clock.ts'

describe('a pin on its way', () => {
  it('stays with its holder while the new one speaks of an older version of it', async () => {
    const clock = new SimClock()
    const consensus = memoryConsensus()
    await consensus.put(aPin({ cid: aCid(), ...options(factors(1)), allocations: ['a'], timestamp: clock.now() }))
    const current = (): PinInfo => {
      const pin = consensus.state.get(aCid())
      // the rest isn't looked at
      return { status: 'pinned', error: '', created: pin?.timestamp, allocations: pin?.allocations } as unknown as PinInfo
    }
    let isOld = true
    const old = { ...current(), allocations: ['a', 'b'] }
    const transfers = new Transfers({ consensus, members: { has: () => true }, ask: async () => isOld ? old : current(), clock })
    let outcome = ''

    const ended = transfers.run(
      { cid: aCid(), from: 'a', candidates: () => ['b'], onGiven: () => {}, onDone: () => {}, onWait: () => {} },
      new AbortController().signal
    ).then(result => { outcome = result.outcome })
    await clock.advance(10_000)
    const waiting = consensus.state.get(aCid())?.allocations
    isOld = false
    await clock.advance(10_000)
    await ended

    assert.deepEqual([waiting, outcome, consensus.state.get(aCid())?.allocations], [['a', 'b'], 'moved', ['b']])
  })

  it('waits for whom it was given to last, not for one that is gone', async () => {
    const clock = new SimClock()
    const consensus = memoryConsensus()
    await consensus.put(aPin({ cid: aCid(), ...options(factors(1)), allocations: ['a'], timestamp: clock.now() }))
    const gone = new Set<string>()
    const ask = async (): Promise<PinInfo> => ({ status: 'pinning', error: '' }) as unknown as PinInfo
    const reasons: string[] = []
    const stop = new AbortController()

    const ended = new Transfers({ consensus, members: { has: peer => !gone.has(peer) }, ask, clock }).run(
      { cid: aCid(), from: 'a', candidates: () => ['b', 'c'], onGiven: () => {}, onDone: () => {}, onWait: reason => reasons.push(reason) },
      stop.signal
    ).catch(() => {})
    await clock.advance(20_000)
    gone.add('b')
    await clock.advance(60_000)
    stop.abort()
    await clock.advance(10_000)
    await ended

    assert.deepEqual(consensus.state.get(aCid())?.allocations, ['a', 'c'])
    assert.deepEqual([reasons[0], reasons.at(-1)], ['peer b has not got all of it yet', 'peer c has not got all of it yet'])
  })

  it('has another time with each change, also within a second', async () => {
    const clock = new SimClock()
    const consensus = memoryConsensus()
    const times: number[] = []
    await consensus.put(aPin({ cid: aCid(), ...options(factors(1)), allocations: ['a'], timestamp: clock.now() }))
    consensus.onChange(([change]) => { times.push(change?.pin?.timestamp ?? 0) })
    const ask = async (): Promise<PinInfo> => ({
      status: 'pinned', error: '', created: times.at(-1), allocations: consensus.state.get(aCid())?.allocations
    }) as unknown as PinInfo

    void new Transfers({ consensus, members: { has: () => true }, ask, clock }).run(
      { cid: aCid(), from: 'a', candidates: () => ['b'], onGiven: () => {}, onDone: () => {}, onWait: () => {} },
      new AbortController().signal
    )
    await clock.advance(900)

    assert.equal(times.length, 2)
    assert.ok((times[1] ?? 0) > (times[0] ?? 0))
  })
})
