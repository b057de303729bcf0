import { silentLogger } from '../../src/base/log.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import type { Metric } from '../../src/model/metric.ts'
import type { MetricCodec } from '../../src/monitor/pubsub/pubsub-monitor.ts'
import { metricsTopic, pubsubMonitor } from '../../src/monitor/pubsub/pubsub-monitor.ts'
import type { TopicMessage } from '../../src/network/network.ts'
import { SeededRandom, SimClock } from '../support/sim-clock.ts'
import { monitorCheckIntervalMs, monitorContract, monitorSelf } from './monitor.ts'

/** JSON instead of Go's msgpack, so that tests may give peers readable names. */
const codec: MetricCodec = {
  encode: metric =>
    Buffer.from(JSON.stringify({ ...metric, expire: String(metric.expire), weight: String(metric.weight), receivedAt: undefined })),
  decode: bytes => {
    const metric = JSON.parse(Buffer.from(bytes).toString()) as Metric
    return { ...metric, expire: BigInt(metric.expire), weight: BigInt(metric.weight), receivedAt: 0n }
  }
}

monitorContract('pubsub', async () => {
  const clock = new SimClock()
  const sent: Metric[] = []
  const handlers = new Set<(message: TopicMessage) => void>()
  const broadcast = {
    publish: async (topic: string, data: Uint8Array) => { if (topic === metricsTopic) sent.push(codec.decode(data)) },
    subscribe: (topic: string, handler: (message: TopicMessage) => void) => {
      if (topic === metricsTopic) handlers.add(handler)
      return () => { handlers.delete(handler) }
    }
  }
  const deliver = (message: TopicMessage): void => { for (const handler of handlers) handler(message) }
  const workers = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const monitor = pubsubMonitor(
    { self: monitorSelf, checkIntervalMs: monitorCheckIntervalMs }, { broadcast, codec, clock, log: silentLogger, workers }
  )
  await workers.start()
  await monitor.start(new AbortController().signal)
  return {
    monitor,
    clock,
    sent,
    receive: (from, metric) => deliver({ from, data: codec.encode(metric) }),
    receiveGarbage: from => deliver({ from, data: Buffer.from('{') })
  }
})
