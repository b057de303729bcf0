import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import type { Informer } from '../../../../src/informer/informer.ts'
import { metricPublisher } from '../../../../src/informer/publisher/metric-publisher.ts'
import { metricOf } from '../../../../src/informer/measurement.ts'
import type { Metric } from '../../../../src/model/metric.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'

/** A started publisher; `published` tells at which second which metric went out. */
async function publishing (informers: (clock: SimClock) => Informer[], publish = async (_metric: Metric): Promise<void> => {}) {
  const clock = new SimClock(0)
  const published: string[] = []
  const workers = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const [ping, ...others] = informers(clock)
  assert.ok(ping != null)
  const monitor = {
    publish: async (metric: Metric) => {
      published.push(`${clock.now() / 1000} ${metric.name}`)
      await publish(metric)
    }
  }
  const publisher = metricPublisher({ self: 'self' }, { monitor, workers, ping, informers: others })
  await workers.start()
  await publisher.start(new AbortController().signal)
  return { clock, published, publisher, workers }
}

const informer = (clock: SimClock, name: string, ttlMs: number, measure: () => { valid?: boolean } | undefined = () => ({})): Informer => ({
  name,
  ttlMs,
  metrics: async self => {
    const measurement = measure()
    return measurement == null ? [] : [metricOf({ name, value: '', ...measurement }, { self, now: clock.now(), ttlMs })]
  }
})

describe('metric publisher', () => {
  it('publishes each informer at once and then at half its ttl', async () => {
    const { clock, published } = await publishing(clock => [informer(clock, 'ping', 30_000), informer(clock, 'freespace', 20_000)])

    await clock.advance(30_000)

    assert.deepEqual(published, ['0 ping', '0 freespace', '10 freespace', '15 ping', '20 freespace', '30 ping', '30 freespace'])
  })

  it('tries again after a quarter of the ttl when publishing fails, and then goes on as usual', async () => {
    let failures = 2
    const { clock, published } = await publishing(
      clock => [informer(clock, 'ping', 40_000)], async () => { if (failures-- > 0) throw new Error('no network') }
    )

    await clock.advance(60_000)

    assert.deepEqual(published, ['0 ping', '10 ping', '20 ping', '40 ping', '60 ping'])
  })

  it('counts a failure in the status of its worker', async () => {
    const { clock, workers } = await publishing(clock => [informer(clock, 'ping', 40_000)], async () => { throw new Error('no network') })

    await clock.advance(10_000)

    assert.deepEqual(
      workers.statuses().map(({ name, errors, lastError }) => [name, errors, lastError]), [['publish ping', 2, 'no network']]
    )
  })

  it('leaves out invalid metrics and looks again after 15 seconds', async () => {
    let free = 0
    const { clock, published } = await publishing(
      clock => [informer(clock, 'ping', 1e9), informer(clock, 'freespace', 100_000, () => ({ valid: free > 0 }))]
    )

    await clock.advance(20_000)
    free = 1
    await clock.advance(60_000)

    assert.deepEqual(published, ['0 ping', '30 freespace', '80 freespace'])
  })

  it('says nothing for an informer without metrics', async () => {
    const { clock, published } = await publishing(clock => [informer(clock, 'ping', 1e9), informer(clock, 'tags', 30_000, () => undefined)])

    await clock.advance(60_000)

    assert.deepEqual(published, ['0 ping'])
  })

  it('is not held back by one slow informer', async () => {
    const slow: Informer = { name: 'slow', ttlMs: 30_000, metrics: async () => await new Promise(() => {}) }
    const { clock, published } = await publishing(clock => [informer(clock, 'ping', 30_000), slow])

    await clock.advance(15_000)

    assert.deepEqual(published, ['0 ping', '15 ping'])
  })

  it('publishes the informers, not ping, when something has changed much', async () => {
    const { clock, published, publisher } = await publishing(
      clock => [informer(clock, 'ping', 30_000), informer(clock, 'freespace', 30_000)]
    )
    await clock.advance(5000)

    publisher.publishSoon()
    await clock.advance(1000)

    assert.deepEqual(published, ['0 ping', '0 freespace', '5 freespace'])
  })

  it('says nothing more after it was stopped', async () => {
    const { clock, published, publisher, workers } = await publishing(
      clock => [informer(clock, 'ping', 30_000), informer(clock, 'freespace', 30_000)]
    )
    await clock.advance(1000)

    await publisher.stop()
    await clock.advance(60_000)

    assert.equal(published.length, 2)
    assert.equal(clock.pending, 0)
    assert.deepEqual(workers.statuses(), [])
  })
})
