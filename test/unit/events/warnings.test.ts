import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentWarnings } from '../../../src/events/warnings.ts'
import { printable } from '../../../src/node/logging.ts'
import { NotedLogger } from '../../support/noted-logger.ts'
import { SimClock } from '../../support/sim-clock.ts'

function heard () {
  const clock = new SimClock()
  const log = new NotedLogger()
  const warnings = new RecentWarnings({ printed: printable }, { clock })
  return { clock, log, warnings, heardLog: warnings.heardFrom(log, 'cluster') }
}

describe('recent warnings', () => {
  it('has warnings and errors with who said them, newest first, and passes everything on', async () => {
    const { clock, log, warnings, heardLog } = heard()
    heardLog.info('nothing special')
    heardLog.child('crdt').warn('a block is missing', { cid: 'bafy' })
    await clock.advance(1000)
    heardLog.error('the disk is full')

    assert.deepEqual(warnings.list().map(({ level, component, message, facts }) => [level, component, message, facts]),
      [['error', 'cluster', 'the disk is full', {}], ['warn', 'crdt', 'a block is missing', { cid: 'bafy' }]])
    assert.equal(log.lines.length, 3)
  })

  it('counts what is said again', async () => {
    const { clock, warnings, heardLog } = heard()
    for (let n = 0; n < 3; n++) {
      heardLog.warn('away', { peer: 'x' })
      await clock.advance(1000)
    }
    heardLog.warn('away', { peer: 'y' })

    const [other, same] = warnings.list()
    assert.deepEqual([other?.count, same?.count, (same?.lastAt ?? 0) - (same?.firstAt ?? 0)], [1, 3, 2000])
  })

  it('are kept for an hour, though the clock is set by more', () => {
    for (const wrongMs of [-2 * 3_600_000, 2 * 3_600_000]) {
      const { clock, warnings, heardLog } = heard()
      heardLog.warn('kept')

      clock.wrongMs = wrongMs

      assert.deepEqual(warnings.list().map(({ message }) => message), ['kept'])
    }
  })

  it('forgets after an hour, and has no more than five hundred', async () => {
    const { clock, warnings, heardLog } = heard()
    heardLog.warn('old')
    await clock.advance(3_600_001)
    assert.deepEqual(warnings.list(), [])

    for (let n = 0; n < 700; n++) heardLog.warn('many', { n })
    assert.deepEqual([warnings.list().length, warnings.list()[0]?.facts], [500, { n: 699 }])
  })

  it('hides secrets, and cuts what is long', () => {
    const { warnings, heardLog } = heard()
    heardLog.warn('a', { password: 'open sesame', err: new TypeError('x') })
    heardLog.warn('b', Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`fact${n}`, 'x'.repeat(500)])))

    const text = JSON.stringify(warnings.list())
    assert.ok(!text.includes('sesame') && text.length < 10_000, text.slice(0, 300))
  })

  it('tells who listens', () => {
    const { warnings, heardLog } = heard()
    const told: string[] = []
    const end = warnings.onWarning(({ message }) => told.push(message))
    heardLog.warn('first')
    end()
    heardLog.warn('second')

    assert.deepEqual(told, ['first'])
  })
})
