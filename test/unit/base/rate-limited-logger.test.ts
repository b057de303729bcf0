import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { rateLimitedLogger } from '../../../src/base/rate-limited-logger.ts'
import type { Logger } from '../../../src/base/log.ts'
import { NotedLogger } from '../../support/noted-logger.ts'
import { SimClock } from '../../support/sim-clock.ts'

describe('a calm logger', () => {
  let clock: SimClock
  let noted: NotedLogger
  let log: Logger

  beforeEach(() => {
    clock = new SimClock()
    noted = new NotedLogger()
    log = rateLimitedLogger({ log: noted, clock })
  })

  it('says a sentence about a peer once a minute, and how often it was left out', async () => {
    for (let at = 0; at < 1000; at++) log.warn('too much', { peer: 'a', at })
    await clock.advance(60_000)
    log.warn('too much', { peer: 'a' })
    await clock.advance(60_000)
    log.warn('too much', { peer: 'a' })

    assert.deepEqual(
      noted.warnings(), [['too much', { peer: 'a', at: 0 }], ['too much', { peer: 'a', repeated: 999 }], ['too much', { peer: 'a' }]]
    )
  })

  it('keeps peers and sentences apart', () => {
    for (
      const [message, facts] of [
        ['one', { peer: 'a' }], ['one', { peer: 'b' }], ['two', { from: 'a' }], ['two', { from: 'b' }], ['one'], ['one', { peer: 'b' }]
      ] as const
    ) log.warn(message, facts)

    assert.deepEqual(
      noted.warnings().map(([message, { peer, from }]) => `${message} ${peer ?? from ?? '-'}`),
      ['one a', 'one b', 'two a', 'two b', 'one -']
    )
  })

  it('says a bounded number of lines, however many peers there are, and hears new ones a minute later', async () => {
    for (let at = 0; at < 10_000; at++) log.warn('too much', { peer: `peer ${at}` })
    const lines = noted.lines.length
    await clock.advance(60_000)
    log.warn('too much', { peer: 'another' })

    assert.ok(lines <= 257, `${lines} lines`)
    assert.deepEqual(noted.warnings().at(-1), ['too much', { peer: 'another' }])
  })

  it('lets all other levels pass, and goes on when the clock is set back', async () => {
    for (const level of ['debug', 'info', 'error'] as const) for (let at = 0; at < 3; at++) log[level]('again', { peer: 'a' })
    log.warn('back', { peer: 'a' })
    clock.wrongMs = -3_600_000
    log.warn('back', { peer: 'a' })
    await clock.advance(60_000)
    log.warn('back', { peer: 'a' })

    assert.deepEqual(
      noted.lines.map(({ level }) => level), ['debug', 'debug', 'debug', 'info', 'info', 'info', 'error', 'error', 'error', 'warn', 'warn']
    )
  })
})
