import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '../../src/model/cid.ts'
import type { Alert, Metric } from '../../src/model/metric.ts'
import { nanoseconds } from '../../src/model/metric.ts'
import type { Monitor } from '../../src/monitor/monitor.ts'
import type { SimClock } from '../support/sim-clock.ts'

export const monitorSelf = 'peer-self'
export const monitorCheckIntervalMs = 15_000

/** A started monitor of `monitorSelf`. */
export interface MonitorHarness {
  monitor: Monitor
  clock: SimClock
  /** A metric comes over the network, signed by `from`. */
  receive (from: PeerId, metric: Metric): void
  /** Bytes that are no metric. */
  receiveGarbage (from: PeerId): void
  /** What was sent to the other peers. */
  sent: Metric[]
}

/** What every monitor promises. */
export function monitorContract (name: string, open: () => Promise<MonitorHarness>): void {
  const opened = async () => {
    const harness = await open()
    const metric = (some: Partial<Metric> = {}): Metric => ({
      name: 'ping',
      peer: 'peer-a',
      value: '1',
      expire: nanoseconds(harness.clock.now() + 30_000),
      valid: true,
      weight: 0n,
      partitionable: false,
      receivedAt: 0n,
      ...some
    })
    const alerts: Alert[] = []
    harness.monitor.onAlert(alert => { alerts.push(alert) })
    return { ...harness, metric, alerts }
  }

  describe(`monitor contract: ${name}`, () => {
    it('gives the latest metric of each peer, sorted by peer and stamped on arrival', async () => {
      const { monitor, receive, metric, clock } = await opened()

      receive('peer-b', metric({ peer: 'peer-b', value: 'old' }))
      receive('peer-c', metric({ peer: 'peer-c' }))
      monitor.log(metric({ peer: monitorSelf }))
      await clock.advance(5)
      receive('peer-b', metric({ peer: 'peer-b', value: 'new' }))

      const latest = monitor.latest('ping')
      assert.deepEqual(latest.map(one => [one.peer, one.value]), [['peer-b', 'new'], ['peer-c', '1'], [monitorSelf, '1']])
      assert.equal(latest[0]?.receivedAt, nanoseconds(clock.now()))
      assert.equal(monitor.latestOf('ping', 'peer-b')?.value, 'new')
      assert.deepEqual(monitor.latest('freespace'), [])
    })

    it('hides expired and invalid metrics, and what they replaced', async () => {
      const { monitor, receive, metric, clock } = await opened()
      receive('peer-a', metric())
      receive('peer-b', metric({ peer: 'peer-b' }))

      receive('peer-a', metric({ valid: false }))
      await clock.advance(29_999)
      const before = monitor.latest('ping').map(one => one.peer)
      await clock.advance(1)

      assert.deepEqual(before, ['peer-b'])
      assert.deepEqual(monitor.latest('ping'), [])
      assert.equal(monitor.latestOf('ping', 'peer-b'), undefined)
    })

    it('still knows what a silent peer said last, until it is forgotten', async () => {
      const { monitor, receive, metric, clock } = await opened()
      receive('peer-b', metric({ peer: 'peer-b', value: 'last words' }))

      await clock.advance(30_000)
      const silent = {
        latest: monitor.latestOf('ping', 'peer-b'), known: monitor.lastKnownOf('ping', 'peer-b')?.value,
        all: monitor.lastKnown('ping').map(({ peer }) => peer)
      }
      monitor.forget('peer-b')

      assert.deepEqual(silent, { latest: undefined, known: 'last words', all: ['peer-b'] })
      assert.deepEqual([monitor.lastKnownOf('ping', 'peer-b'), monitor.lastKnown('ping')], [undefined, []])
    })

    it('drops metrics that their peer did not sign, and what is no metric', async () => {
      const { monitor, receive, receiveGarbage, metric } = await opened()

      receive('peer-b', metric({ peer: 'peer-a' }))
      receive('peer-b', metric({ peer: monitorSelf }))
      receiveGarbage('peer-b')

      assert.deepEqual(monitor.latest('ping'), [])
    })

    it('takes and sends what is published', async () => {
      const { monitor, metric, sent } = await opened()

      await monitor.publish(metric({ peer: monitorSelf, value: 'mine' }))

      assert.deepEqual(sent.map(one => [one.name, one.value]), [['ping', 'mine']])
      assert.equal(monitor.latestOf('ping', monitorSelf)?.value, 'mine')
    })

    it('neither takes nor sends invalid or expired metrics', async () => {
      const { monitor, metric, sent, clock } = await opened()

      await monitor.publish(metric({ peer: monitorSelf, valid: false }))
      await monitor.publish(metric({ peer: monitorSelf, expire: nanoseconds(clock.now()) }))

      assert.deepEqual(sent, [])
      assert.deepEqual(monitor.latest('ping'), [])
    })

    it('keeps a metric of its own that only goes into the log to itself', async () => {
      const { monitor, metric, sent } = await opened()

      monitor.log(metric({ peer: 'peer-new' }))

      assert.deepEqual(sent, [])
      assert.equal(monitor.latest('ping').length, 1)
    })

    it('knows the names of all metrics there ever were', async () => {
      const { monitor, receive, metric, clock } = await opened()
      receive('peer-a', metric())
      receive('peer-a', metric({ name: 'freespace' }))
      receive('peer-a', metric({ name: 'tag:group' }))

      await clock.advance(60_000)
      monitor.forget('peer-a')

      assert.deepEqual(monitor.names().toSorted(), ['freespace', 'ping', 'tag:group'])
    })

    it('alerts once when a metric expires', async () => {
      const { receive, metric, clock, alerts } = await opened()
      receive('peer-a', metric({ value: 'last' }))

      await clock.advance(29_000)
      const early = alerts.length
      await clock.advance(10 * monitorCheckIntervalMs)

      assert.equal(early, 0)
      assert.deepEqual(alerts.map(alert => [alert.name, alert.peer, alert.value]), [['ping', 'peer-a', 'last']])
      assert.ok(alerts[0] != null && nanoseconds(alerts[0].triggeredAt) >= alerts[0].expire)
    })

    it('does not alert for what expired while the process stood still, unless it stays away', async () => {
      const { receive, metric, clock, alerts } = await opened()
      for (const peer of ['peer-back', 'peer-gone']) receive(peer, metric({ peer }))
      await clock.advance(20_000)

      clock.standStill(60_000)
      await clock.advance(10_000)
      const awake = alerts.length
      receive('peer-back', metric({ peer: 'peer-back', expire: nanoseconds(clock.now() + 300_000) }))
      await clock.advance(60_000)

      assert.equal(awake, 0)
      assert.deepEqual(alerts.map(alert => alert.peer), ['peer-gone'])
    })

    it('alerts for a peer that falls silent after the clock was set forward for a time, and not while it is', async () => {
      const { receive, metric, clock, alerts } = await opened()
      await clock.advance(2 * monitorCheckIntervalMs)
      receive('peer-a', metric())
      clock.wrongMs = 3_600_000
      await clock.advance(20_000)
      const ahead = alerts.length
      clock.wrongMs = 0
      await clock.advance(monitorCheckIntervalMs)
      receive('peer-a', metric())

      await clock.advance(60_000)

      assert.deepEqual([ahead, alerts.map(({ peer }) => peer)], [0, ['peer-a']])
    })

    it('alerts for each name and peer, again and again for new outages', async () => {
      const { receive, metric, clock, alerts } = await opened()

      for (let outage = 0; outage < 3; outage++) {
        receive('peer-a', metric())
        receive('peer-a', metric({ name: 'freespace' }))
        receive('peer-b', metric({ peer: 'peer-b' }))
        await clock.advance(60_000)
      }

      const seen = alerts.map(alert => `${alert.name} ${alert.peer}`)
      assert.equal(seen.length, 9)
      assert.equal(seen.filter(one => one === 'freespace peer-a').length, 3)
    })

    it('alerts again after 300 checks of a lasting outage', async () => {
      const { receive, metric, clock, alerts } = await opened()
      receive('peer-a', metric({ expire: nanoseconds(clock.now() + 1) }))

      await clock.advance(300 * monitorCheckIntervalMs)
      const until300 = alerts.length
      await clock.advance(monitorCheckIntervalMs)

      assert.deepEqual([until300, alerts.length], [1, 2])
    })

    it('goes on alerting when a listener fails', async () => {
      const { monitor, receive, metric, clock, alerts } = await opened()
      monitor.onAlert(() => { throw new Error('a faulty listener') })
      receive('peer-a', metric())
      await clock.advance(60_000)

      receive('peer-a', metric())
      await clock.advance(60_000)

      assert.equal(alerts.length, 2)
    })

    it('says nothing more to a listener that was removed', async () => {
      const { monitor, receive, metric, clock } = await opened()
      let heard = 0
      const remove = monitor.onAlert(() => { heard++ })
      receive('peer-a', metric())

      remove()
      await clock.advance(60_000)

      assert.equal(heard, 0)
    })

    it('tells of every metric that it takes, of this peer and of others, until nobody listens', async () => {
      const { monitor, receive, metric, clock } = await opened()
      const told: Array<[string, bigint]> = []
      const remove = monitor.onMetric(({ peer, receivedAt }) => { told.push([peer, receivedAt / 1_000_000n]) })

      receive('peer-a', metric())
      receive('peer-b', metric())
      monitor.log(metric({ peer: 'peer-c' }))
      remove()
      receive('peer-a', metric())

      const now = BigInt(clock.now())
      assert.deepEqual(told, [['peer-a', now], ['peer-c', now]])
    })

    it('forgets a peer: no metrics, no alerts', async () => {
      const { monitor, receive, metric, clock, alerts } = await opened()
      receive('peer-a', metric())
      receive('peer-b', metric({ peer: 'peer-b' }))

      monitor.forget('peer-a')
      const left = monitor.latest('ping').map(one => one.peer)
      await clock.advance(60_000)

      assert.deepEqual(left, ['peer-b'])
      assert.deepEqual(alerts.map(alert => alert.peer), ['peer-b'])
    })

    it('neither receives nor checks after it was stopped', async () => {
      const { monitor, receive, metric, clock, alerts } = await opened()
      receive('peer-a', metric())

      await monitor.stop()
      receive('peer-b', metric({ peer: 'peer-b' }))
      await clock.advance(60_000)

      assert.deepEqual(alerts, [])
      assert.equal(clock.pending, 0)
      assert.equal(monitor.latestOf('ping', 'peer-b'), undefined)
    })
  })
}
