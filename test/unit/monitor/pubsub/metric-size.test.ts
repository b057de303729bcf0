import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import { nanoseconds } from '../../../../src/model/metric.ts'
import { pubsubMonitor } from '../../../../src/monitor/pubsub/pubsub-monitor.ts'
import type { TopicMessage } from '../../../../src/network/network.ts'
import { decodeMetric, encodeMetric } from '../../../../src/wire/metric.ts'
import { quietMs } from '../../../support/poll.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'

const from = '12D3KooWPiCPEG294EeKF5hJVfgHp816Se157FUntrr6bTZ5iyWH'

it('a metric may have 64 KiB, and no more', { timeout: quietMs(5000) }, async () => {
  const clock = new SimClock()
  let deliver = (_message: TopicMessage): void => {}
  const broadcast = {
    publish: async () => {}, subscribe: (_topic: string, handler: typeof deliver) => { deliver = handler; return () => {} }
  }
  const workers = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const monitor = pubsubMonitor(
    { self: 'self', checkIntervalMs: 15_000 },
    { broadcast, codec: { encode: encodeMetric, decode: decodeMetric }, clock, log: silentLogger, workers }
  )
  await monitor.start(new AbortController().signal)
  const bytesOf = (name: string, size: number): Uint8Array => {
    const metricOf = (value: string): Uint8Array => encodeMetric({
      name, peer: from, value, expire: nanoseconds(clock.now() + 30_000), valid: true, weight: 0n, partitionable: false, receivedAt: 0n
    })
    const bytes = metricOf('v'.repeat(size - (metricOf('v'.repeat(1000)).length - 1000)))
    assert.equal(bytes.length, size)
    return bytes
  }

  deliver({ from, data: bytesOf('most', 64 * 1024) })
  deliver({ from, data: bytesOf('more', 64 * 1024 + 1) })

  assert.deepEqual(monitor.names(), ['most'])
})
