import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import type { Limit, Limits, RateLimit } from '../../src/service/limits/limits.ts'
import { memoryLimits } from '../../src/service/limits/memory/memory-limits.ts'
import { postgresLimits } from '../../src/service/limits/postgres/postgres-limits.ts'
import { pollUntil } from '../support/poll.ts'
import { eachDatabase } from '../support/service-database.ts'

const minuteMs = 60_000

/** How many of these were let through; all others were too many. */
async function admitted (takes: ReadonlyArray<Promise<void>>): Promise<number> {
  const results = await Promise.allSettled(takes)
  for (const result of results) {
    if (result.status === 'rejected') assert.ok(isClusterError(result.reason, 'RATE_LIMITED'), String(result.reason))
  }
  return results.filter(({ status }) => status === 'fulfilled').length
}

const times = (count: number, limit: RateLimit, key = 'alice'): Array<Promise<void>> =>
  Array.from({ length: count }, async () => limit.take(key))

/** The promises of `Limits`. */
eachDatabase('limits contract', databases => {
  const running: Limits[] = []
  afterEach(async () => { for (const one of running.splice(0)) await one.stop() })

  /** Of as many peers as are asked for. */
  async function peers (count: number): Promise<Limits[]> {
    const { clock, workers, log } = await databases.open()
    for (let at = 0; at < count; at++) {
      const limits = databases.kind === 'sqlite' ? memoryLimits() : postgresLimits({ url: databases.place() }, { clock, workers, log })
      await limits.start(new AbortController().signal)
      running.push(limits)
    }
    return [...running]
  }

  const one = async (limit: Limit): Promise<RateLimit> => (await peers(1))[0]!.limit('test', limit)

  it('lets so many through, and says when the next one may come', async () => {
    const limit = await one({ count: 3, perMs: minuteMs })

    for (let n = 0; n < 3; n++) await limit.take('alice')

    await assert.rejects(
      limit.take('alice'),
      err => isClusterError(err, 'RATE_LIMITED') && Number(err.details['retryAfterMs']) > 0
        && Number(err.details['retryAfterMs']) <= minuteMs
    )
    await assert.rejects(limit.take('alice'), err => isClusterError(err, 'RATE_LIMITED'))
  })

  it('counts for each key, and for each name', async () => {
    const [limits] = await peers(1)
    const [first, second] = [limits!.limit('first', { count: 1, perMs: minuteMs }), limits!.limit('second', { count: 1, perMs: minuteMs })]

    assert.equal(await admitted([...times(2, first), ...times(2, first, 'bob'), ...times(2, second)]), 3)
  })

  it('takes keys as they are, long ones too', async () => {
    const limit = await one({ count: 1, perMs: minuteMs })
    const long = 'é'.repeat(300)

    assert.equal(await admitted([...times(2, limit, long), ...times(2, limit, `${long}x`), ...times(2, limit, '')]), 3)
  })

  it('lets everybody through where there is no limit', async () => {
    assert.equal(await admitted(times(1000, await one(null))), 1000)
  })

  for (const count of [1, 20, 1000]) {
    it(`is exact for many at once on one peer (${count})`, async () => {
      const limit = await one({ count, perMs: minuteMs })

      assert.equal(await admitted(times(count + 30, limit)), count)
    })
  }

  it('begins anew when the time is over', async () => {
    const limit = await one({ count: 1, perMs: 50 })
    await limit.take('alice')

    await pollUntil(async () => limit.take('alice').then(() => true, () => false), { everyMs: 5, withinMs: 5000, what: 'the next one' })
  })

  if (databases.kind === 'sqlite') return

  it('is one limit on several peers', async () => {
    const [a, b] = (await peers(2)).map(limits => limits.limit('login', { count: 5, perMs: minuteMs }))

    assert.equal(await admitted(times(3, a!)), 3)
    assert.equal(await admitted(times(3, b!)), 2)
    assert.equal(await admitted([...times(3, a!), ...times(3, b!)]), 0)
    assert.equal(await admitted(times(1, b!, 'bob')), 1)
  })

  it('is one for large limits, too, but for what peers have drawn', async () => {
    const count = 1000
    const both = (await peers(2)).map(limits => limits.limit('key', { count, perMs: minuteMs }))

    const through = await admitted(both.flatMap(limit => times(count, limit)))

    assert.ok(through <= count && through >= count * 0.96, `${through} of ${count}`)
  })

  it('asks the database for few requests of a large limit', async () => {
    const [limits] = await peers(1)
    const limit = limits!.limit('key', { count: 6000, perMs: minuteMs })
    const database = databases.place().slice(databases.place().lastIndexOf('/') + 1)

    assert.equal(await admitted(times(500, limit)), 500)

    const [row] = await databases.server!.query('select sum(points) as drawn from rate_limits', database)
    // a hundred and twenty at a time, after the first one
    assert.equal(Number(row?.['drawn']), 1 + 5 * 120)
  })
})
