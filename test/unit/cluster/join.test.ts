import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { joinCluster } from '../../../src/cluster/peers/join.ts'
import { parsePingValue } from '../../../src/model/metric.ts'
import { SharedMonitor } from '../../support/cluster/shared-monitor.ts'
import { SimClock } from '../../support/sim-clock.ts'

/** A peer that joins `peer-a` and knows `reached` from before; its monitor. */
async function joining (reached: string[], monitor = new SharedMonitor()): Promise<SharedMonitor> {
  const join = joinCluster({ bootstrap: ['/ip4/127.0.0.1/tcp/1/p2p/peer-a'], monitorPingIntervalMs: 1000 }, {
    dial: async () => 'peer-a',
    dialKnown: async () => reached,
    introduce: async () => {},
    monitor,
    tracker: { async * recoverAll () {} },
    publish: () => {},
    clock: new SimClock(),
    log: silentLogger
  })
  await join.start(new AbortController().signal)
  await nextTurn()
  await join.stop()
  return monitor
}

describe('joining', () => {
  it('counts whom it joined, and whom it knew from before and reached, as members at once', async () => {
    const monitor = await joining(['peer-b', 'peer-c'])

    assert.deepEqual(monitor.latest('ping').map(({ peer }) => peer), ['peer-a', 'peer-b', 'peer-c'])
  })

  it('leaves alone what a peer has said itself by then', async () => {
    const monitor = new SharedMonitor()
    monitor.beat('peer-b', { peerName: 'b' })

    await joining(['peer-b'], monitor)

    assert.equal(parsePingValue(monitor.latestOf('ping', 'peer-b')?.value ?? '').peerName, 'b')
  })
})
