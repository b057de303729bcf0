import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemRandom } from '../../../src/base/system.ts'
import { StatusLog } from '../../../src/events/status-log.ts'
import type { StatusesFrom, StatusNews } from '../../../src/network/remote-statuses.ts'
import { SimClock } from '../../support/sim-clock.ts'

const logOf = () => {
  const clock = new SimClock()
  const log = new StatusLog({ clock, random: systemRandom })
  const add = (cid: string): void => { log.add(() => ({ cid, peer: 'a', status: 'pinned' })) }
  const first = async (from: StatusesFrom): Promise<StatusNews> => {
    const { value } = await log.follow(from, { signal: new AbortController().signal }).next()
    return value as StatusNews
  }
  return { clock, log, add, first }
}
const cidsOf = ({ changes }: StatusNews): string[] => changes.map(({ cid }) => cid)

describe('the log of how pins go on this peer', () => {
  it('is read from so long ago, and tells how long ago that was', async () => {
    const { clock, add, first } = logOf()
    add('old')
    await clock.advance(5000)
    add('new')
    await clock.advance(1000)

    const news = await first({ sinceMs: 2000 })

    assert.deepEqual([cidsOf(news), news.changes[0]?.agoMs, news.missed], [['new'], 1000, false])
    assert.deepEqual(cidsOf(await first({ sinceMs: 60_000 })), ['old', 'new'])
    assert.deepEqual(cidsOf(await first({ sinceMs: 10 })), [])
  })

  it('goes on behind a place without anything twice', async () => {
    const { add, first } = logOf()
    add('one')
    const { place } = await first({ sinceMs: 60_000 })
    add('two')

    assert.deepEqual(await first({ after: place, sinceMs: 60_000 }).then(news => [cidsOf(news), news.missed]), [['two'], false])
  })

  it('gives all it has to who knows a place of the start before, and says that there may have been more', async () => {
    const [before, now] = [logOf(), logOf()]
    before.add('lost')
    const { place } = await before.first({ sinceMs: 60_000 })
    now.add('one')

    assert.deepEqual(await now.first({ after: place, sinceMs: 0 }).then(news => [cidsOf(news), news.missed]), [['one'], true])
  })

  it('keeps 4096 changes, and says to who would have read more that some are gone', async () => {
    const { add, first } = logOf()
    for (let count = 0; count < 4096; count++) add(`${count}`)
    const all = await first({ sinceMs: 60_000 })
    add('one more')
    const less = await first({ sinceMs: 60_000 })

    assert.deepEqual([all.missed, cidsOf(all)[0]], [false, '0'])
    assert.deepEqual([less.missed, cidsOf(less)[0]], [true, '1'])
  })

  it('is read by 256 at a time and not by more', async () => {
    const { log } = logOf()
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 256 }, async () => log.follow({ sinceMs: 0 }, { signal }).next()))

    await assert.rejects(log.follow({ sinceMs: 0 }, { signal }).next(), { code: 'RATE_LIMITED' })
  })
})
