import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Transfers } from '../../../src/cluster/rebalance/transfers.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import { memoryConsensus } from '../../support/cluster/memory-consensus.ts'
import { aCid, aPin, factors, options } from '../../support/cluster/values.ts'
import { SimClock } from '../../support/sim-clock.ts'

const allThere = { has: () => true, missingPeer: (peer: string) => ({ peer, peerName: '', lastSeen: 1 }) }

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
    const transfers = new Transfers({ consensus, members: allThere, ask: async () => isOld ? old : current(), clock })
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

    const ended = new Transfers({ consensus, members: { ...allThere, has: peer => !gone.has(peer) }, ask, clock }).run(
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

  it('waits a minute for a holder that was not heard since the start: this peer may have begun just now', async () => {
    const clock = new SimClock()
    const consensus = memoryConsensus()
    await consensus.put(aPin({ cid: aCid(), ...options(factors(1)), allocations: ['a', 'b'], timestamp: clock.now() }))
    const members = { has: (peer: string) => peer === 'c', missingPeer: (peer: string) => ({ peer, peerName: '', lastSeen: null }) }
    const ask = async (): Promise<PinInfo> => ({ status: 'pinning', error: '' }) as unknown as PinInfo
    const reasons: string[] = []
    const stop = new AbortController()

    const ended = new Transfers({ consensus, members, ask, clock }).run(
      { cid: aCid(), from: 'a', candidates: () => ['c'], onGiven: () => {}, onDone: () => {}, onWait: reason => reasons.push(reason) },
      stop.signal
    ).catch(() => {})
    await clock.advance(55_000)
    const waiting = consensus.state.get(aCid())?.allocations
    await clock.advance(15_000)
    stop.abort()
    await clock.advance(10_000)
    await ended

    assert.deepEqual([waiting, reasons[0]], [['a', 'b'], 'peer b was not heard since this peer began'])
    assert.deepEqual(consensus.state.get(aCid())?.allocations, ['a', 'b', 'c'])
  })

  it('counts against whom it is given to before that is written, and no more when it could not be', async () => {
    const clock = new SimClock()
    const memory = memoryConsensus()
    await memory.put(aPin({ cid: aCid(), ...options(factors(1)), allocations: ['a'], timestamp: clock.now() }))
    const given: string[] = []
    const consensus = { state: memory.state, whenWritten: async () => {}, replaceIf: async () => {
      given.push('written')
      if (given.length < 3) return false
      throw new Error('the disk is full')
    } }
    const ask = async (): Promise<PinInfo> => ({ status: 'pinning', error: '' }) as unknown as PinInfo

    const ended = assert.rejects(new Transfers({ consensus, members: allThere, ask, clock }).run({
      cid: aCid(), from: 'a', candidates: () => ['b'], onGiven: peers => given.push(`given ${peers.join()}`),
      onDone: peers => given.push(`done ${peers.join()}`), onWait: () => {}
    }, new AbortController().signal), /the disk is full/)
    await clock.advance(10_000)
    await ended

    assert.deepEqual(given, ['given b', 'written', 'done b', 'given b', 'written', 'done b'])
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

    void new Transfers({ consensus, members: allThere, ask, clock }).run(
      { cid: aCid(), from: 'a', candidates: () => ['b'], onGiven: () => {}, onDone: () => {}, onWait: () => {} },
      new AbortController().signal
    )
    await clock.advance(900)

    assert.equal(times.length, 2)
    assert.ok((times[1] ?? 0) > (times[0] ?? 0))
  })
})
