import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deadline } from '../../../src/base/clock.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { SimClock } from '../../support/sim-clock.ts'

const late = (): Error => new Error('too late')

describe('deadline', () => {
  it('aborts with its reason when the time is up', async () => {
    const clock = new SimClock()
    const { signal } = deadline(clock, 1000, late)

    await clock.advance(999)
    const before = signal.aborted
    await clock.advance(1)

    assert.equal(before, false)
    assert.equal(signal.reason.message, 'too late')
  })

  it('aborts with the reason of the parent', async () => {
    const parent = new AbortController()
    const { signal } = deadline(new SimClock(), 1000, late, parent.signal)

    parent.abort(new Error('the parent'))

    assert.equal(signal.reason.message, 'the parent')
  })

  it('is aborted from the beginning when the parent is', () => {
    const { signal } = deadline(new SimClock(), 1000, late, AbortSignal.abort(new Error('the parent')))

    assert.equal(signal.reason.message, 'the parent')
  })

  it('leaves nothing behind when it was cleared', async () => {
    const clock = new SimClock()
    const parent = new AbortController()
    const { signal, clear } = deadline(clock, 1000, late, parent.signal)

    clear()
    parent.abort()
    await clock.advance(2000)

    assert.equal(signal.aborted, false)
    assert.equal(clock.pending, 0)
  })
})

describe('the machine\'s clock', () => {
  it('tells the time and lets it pass', async () => {
    const before = systemClock.now()

    await systemClock.sleep(2)

    assert.ok(systemClock.now() - before >= 1)
  })

  it('ends a sleep with the reason of the signal', async () => {
    const controller = new AbortController()
    const asleep = systemClock.sleep(60_000, controller.signal)

    controller.abort(new Error('wake up'))

    await assert.rejects(asleep, /wake up/)
    await assert.rejects(systemClock.sleep(60_000, controller.signal), /wake up/)
  })

  it('calls back once, unless it was cancelled', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let cancelled = 0

    systemClock.after(0, () => { cancelled++ })()
    systemClock.after(1, resolve)
    await promise

    assert.equal(cancelled, 0)
  })

  it('does not take a wait of months for none', async () => {
    const controller = new AbortController()
    let called = 0
    const cancel = systemClock.after(100 * 24 * 3_600_000, () => { called++ })

    const first = await Promise.race([
      systemClock.sleep(100 * 24 * 3_600_000, controller.signal).catch(() => 'long'),
      systemClock.sleep(20).then(() => 'short')
    ])
    controller.abort()
    cancel()

    assert.equal(first, 'short')
    assert.equal(called, 0)
  })
})

describe('the machine\'s randomness', () => {
  it('gives fractions and bytes', () => {
    const fraction = systemRandom.float()

    assert.ok(fraction >= 0 && fraction < 1)
    assert.equal(systemRandom.bytes(32).length, 32)
    assert.notDeepEqual(systemRandom.bytes(32), systemRandom.bytes(32))
  })
})
