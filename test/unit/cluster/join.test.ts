import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { joinCluster } from '../../../src/cluster/peers/join.ts'
import { parsePingValue } from '../../../src/model/metric.ts'
import { SharedMonitor } from '../../support/cluster/shared-monitor.ts'
import { NotedLogger } from '../../support/noted-logger.ts'
import { SimClock } from '../../support/sim-clock.ts'

/** A peer that joins `peer-a` and knows `reached` from before; its monitor. */
async function joining (reached: string[], monitor = new SharedMonitor()): Promise<SharedMonitor> {
  const join = joinCluster({ bootstrap: ['/ip4/127.0.0.1/tcp/1/p2p/peer-a'], hasSecret: true, monitorPingIntervalMs: 1000 }, {
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

  it('says that this peer has no secret when nobody can be joined', async () => {
    const log = new NotedLogger()
    const join = joinCluster({ bootstrap: ['/ip4/127.0.0.1/tcp/1/p2p/peer-a'], hasSecret: false, monitorPingIntervalMs: 1000 }, {
      dial: async () => { throw new Error('Missing newline') },
      dialKnown: async () => [],
      introduce: async () => {},
      monitor: new SharedMonitor(),
      tracker: { async * recoverAll () {} },
      publish: () => {},
      clock: new SimClock(),
      log
    })
    await join.start(new AbortController().signal)
    await nextTurn()
    await join.stop()

    assert.match(JSON.stringify(log.lines), /peer-a failed: Missing newline \(this peer has no cluster secret: /)
  })
})
