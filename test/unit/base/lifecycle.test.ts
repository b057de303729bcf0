import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import type { Startable } from '../../../src/base/lifecycle.ts'
import { Lifecycle, together } from '../../../src/base/lifecycle.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { SimClock } from '../../support/sim-clock.ts'

const never = new AbortController().signal

function surroundings () {
  const clock = new SimClock()
  const calls: string[] = []
  const lifecycle = new Lifecycle({ stopTimeoutMs: 5000 }, { clock, log: silentLogger })
  const component = (name: string, some: Partial<Startable> = {}): Startable => ({
    name,
    start: async signal => {
      calls.push(`start ${name}`)
      await some.start?.(signal)
    },
    drain: async () => {
      calls.push(`drain ${name}`)
      await some.drain?.()
    },
    stop: async () => {
      calls.push(`stop ${name}`)
      await some.stop?.()
    }
  })
  return { clock, calls, lifecycle, component }
}

const fault = (text: string) => async (): Promise<never> => { throw new Error(text) }

describe('lifecycle', () => {
  it('starts in order and stops in reverse, all drains before all stops', async () => {
    const { calls, lifecycle, component } = surroundings()

    await lifecycle.start([component('a'), component('b')], never)
    await lifecycle.stop()

    assert.deepEqual(calls, ['start a', 'start b', 'drain b', 'drain a', 'stop b', 'stop a'])
  })

  it('stops what had begun when a component fails to start, and throws that error', async () => {
    const { calls, lifecycle, component } = surroundings()
    const components = [
      component('a'), component('b', { start: fault('b is broken'), stop: fault('b cannot stop either') }), component('c')
    ]

    await assert.rejects(lifecycle.start(components, never), /b is broken/)

    assert.deepEqual(calls, ['start a', 'start b', 'drain a', 'stop b', 'stop a'])
  })

  it('stops everything although some fail, and tells of all failures', async () => {
    const { calls, lifecycle, component } = surroundings()
    const b = component('b', { drain: fault('b does not drain') })
    const throwing: Startable = { name: 'c', start: async () => {}, stop: () => { throw new Error('c throws at once') } }
    await lifecycle.start([component('a', { stop: fault('a does not stop') }), b, throwing], never)

    const stopped = lifecycle.stop()

    await assert.rejects(stopped, err => {
      assert.ok(err instanceof AggregateError)
      assert.deepEqual(err.errors.map(one => (one as Error).message), ['b does not drain', 'c throws at once', 'a does not stop'])
      return true
    })
    assert.deepEqual(calls.slice(-3), ['drain a', 'stop b', 'stop a'])
  })

  it('goes on to the next when one takes too long to stop', async () => {
    const { clock, calls, lifecycle, component } = surroundings()
    await lifecycle.start([component('a'), component('b', { stop: async () => await new Promise(() => {}) })], never)

    const stopped = lifecycle.stop().catch((err: AggregateError) => err.errors)
    await clock.advance(5000)

    const errors = await stopped
    assert.ok(errors?.length === 1 && isClusterError(errors[0], 'TIMEOUT'))
    assert.equal(errors[0].details.component, 'b')
    assert.equal(calls.at(-1), 'stop a')
    assert.equal(clock.pending, 0)
  })

  it('does all of it once, however often it is asked', async () => {
    const { calls, lifecycle, component } = surroundings()
    await lifecycle.start([component('a')], never)

    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    await lifecycle.stop()

    assert.deepEqual(calls, ['start a', 'drain a', 'stop a'])
  })

  it('starts nothing more when the signal aborts', async () => {
    const { calls, lifecycle, component } = surroundings()
    const controller = new AbortController()
    const a = component('a', { start: async () => controller.abort(new Error('interrupted')) })

    await assert.rejects(lifecycle.start([a, component('b')], controller.signal), /interrupted/)

    assert.deepEqual(calls, ['start a', 'drain a', 'stop a'])
  })

  it('aborts a start that is under way when it is stopped, and stops what had begun', async () => {
    const { clock, calls, lifecycle, component } = surroundings()
    const waiting = component('b', {
      start: async signal => await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)) })
    })
    const started = assert.rejects(
      lifecycle.start([component('a'), waiting, component('c')], never), err => isClusterError(err, 'NOT_READY')
    )
    await clock.settle()

    await lifecycle.stop()
    await started

    assert.deepEqual(calls, ['start a', 'start b', 'drain a', 'stop b', 'stop a'])
  })

  it('does not wait for ever for a start that ignores the abort, and starts nothing after it', async () => {
    const { clock, calls, lifecycle, component } = surroundings()
    const gate = Promise.withResolvers<void>()
    const started = assert.rejects(
      lifecycle.start([component('a', { start: async () => await gate.promise }), component('b')], never),
      err => isClusterError(err, 'NOT_READY')
    )

    const stopped = assert.rejects(lifecycle.stop(), AggregateError)
    await clock.advance(5000)
    await stopped
    gate.resolve()
    await started

    assert.deepEqual(calls, ['start a', 'stop a'])
  })

  it('does not start again after a stop', async () => {
    const { calls, lifecycle, component } = surroundings()
    await lifecycle.stop()

    await assert.rejects(lifecycle.start([component('a')], never), err => isClusterError(err, 'NOT_READY'))

    assert.deepEqual(calls, [])
  })

  it('takes components without a drain', async () => {
    const { lifecycle } = surroundings()
    let stopped = 0
    await lifecycle.start([{ name: 'a', start: async () => {}, stop: async () => { stopped++ } }], never)

    await lifecycle.stop()

    assert.equal(stopped, 1)
  })
})

describe('components together', () => {
  it('start at the same time and stop at the same time', async () => {
    const { calls, component } = surroundings()
    const last = Promise.withResolvers<void>()
    const first = component('a', { start: async () => last.promise })
    const second = component('b', { start: async () => last.resolve() })
    const both = together('both', [first, second])

    await both.start(never)
    await both.stop()

    assert.deepEqual(calls, ['start a', 'start b', 'stop a', 'stop b'])
  })

  it('tell the first error when all have come to an end', async () => {
    const { calls, component, lifecycle } = surroundings()
    const waiting = Promise.withResolvers<void>()
    const failing = component('a', { start: fault('a fails') })
    const slow = component('b', { start: async () => waiting.promise })

    const started = lifecycle.start([together('both', [failing, slow])], never)
    waiting.resolve()

    await assert.rejects(started, /a fails/)
    assert.deepEqual(calls, ['start a', 'start b', 'stop a', 'stop b'])
  })
})
