import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Isolation } from '../../../src/cluster/peers/isolation.ts'
import { Members } from '../../../src/cluster/peers/members.ts'
import { SharedMonitor } from '../../support/cluster/shared-monitor.ts'
import { SimClock } from '../../support/sim-clock.ts'

function peerThatExpects (...expected: string[]) {
  const [clock, monitor, peers] = [new SimClock(), new SharedMonitor(), new Set(expected)]
  const members = new Members({ self: 'peer-0', peersetMetric: 'ping' }, { monitor })
  const isolation = new Isolation({ monitorPingIntervalMs: 1000 }, { members, expectedPeers: { expected: () => peers }, clock })
  return { clock, monitor, peers, isolation }
}

describe('isolation', () => {
  it('is that of a peer that reaches none of those that it was told of, once it had the time', async () => {
    const { clock, isolation } = peerThatExpects('peer-a')

    const before = isolation.isIsolated()
    isolation.start()
    await clock.advance(1999)
    const early = isolation.isIsolated()
    await clock.advance(1)

    assert.deepEqual([before, early, isolation.isIsolated()], [false, false, true])
  })

  it('is not that of a peer that knows nobody, nor of one that has a member', async () => {
    const [single, joined] = [peerThatExpects(), peerThatExpects('peer-a', 'peer-b')]
    for (const { isolation, clock } of [single, joined]) {
      isolation.start()
      await clock.advance(60_000)
    }

    joined.monitor.beat('peer-a', {})

    assert.deepEqual([single.isolation.isIsolated(), joined.isolation.isIsolated()], [false, false])
  })

  it('is that of a peer whose members are gone, until they are removed from the cluster', async () => {
    const { clock, monitor, isolation } = peerThatExpects()
    isolation.start()
    monitor.beat('peer-a', {})
    await clock.advance(60_000)
    const together = isolation.isIsolated()

    monitor.expire('peer-a')
    const alone = isolation.isIsolated()
    monitor.forget('peer-a')

    assert.deepEqual([together, alone, isolation.isIsolated()], [false, true, false])
  })

  it('ends when whom it expects is removed', async () => {
    const { clock, peers, isolation } = peerThatExpects('peer-a')
    isolation.start()
    await clock.advance(2000)
    const before = isolation.isIsolated()

    peers.delete('peer-a')

    assert.deepEqual([before, isolation.isIsolated()], [true, false])
  })
})
