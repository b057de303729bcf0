import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import type { Worker } from '../../../src/base/worker.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import { SeededRandom, SimClock } from '../../support/sim-clock.ts'

/** A runner in simulated time, and a worker that writes down at which second it ran. */
function surroundings (
  work: (run: number, signal: AbortSignal) => Promise<'busy' | 'idle'> = async () => 'idle', some: Partial<Worker> = {}
) {
  const clock = new SimClock(0)
  const runs: number[] = []
  const runner = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const worker: Worker = {
    name: 'test',
    intervalMs: () => 10_000,
    work: async signal => {
      runs.push(clock.now() / 1000)
      return await work(runs.length, signal)
    },
    ...some
  }
  return { clock, runs, runner, worker }
}

describe('worker runner', () => {
  it('runs a worker from the start on, each interval', async () => {
    const { clock, runs, runner, worker } = surroundings()
    runner.add(worker)
    await clock.advance(5000)

    await runner.start()
    await clock.advance(20_000)

    assert.deepEqual(runs, [5, 15, 25])
  })

  it('runs a worker at once that is added later', async () => {
    const { clock, runs, runner, worker } = surroundings()
    await runner.start()
    await clock.advance(1000)

    runner.add(worker)
    await clock.settle()

    assert.deepEqual(runs, [1])
  })

  it('waits an interval first when it is told so', async () => {
    const { clock, runs, runner, worker } = surroundings(undefined, { runAtStart: false })
    runner.add(worker)
    await runner.start()

    await clock.advance(10_000)

    assert.deepEqual(runs, [10])
  })

  it('runs again at once while there is work', async () => {
    const { clock, runs, runner, worker } = surroundings(async run => run < 5 ? 'busy' : 'idle')
    runner.add(worker)
    await runner.start()

    await clock.advance(10_000)

    assert.deepEqual(runs, [0, 0, 0, 0, 0, 10])
  })

  it('lets others have their turn when a worker is busy without end', async () => {
    const { clock, runs, runner, worker } = surroundings(async () => 'busy')
    runner.add(worker)
    await runner.start()

    await clock.settle()

    assert.ok(runs.length > 0 && runs.length <= 64)
    await runner.stop()
  })

  it('asks for the interval each time', async () => {
    let intervalMs = 1000
    const { clock, runs, runner, worker } = surroundings(undefined, { intervalMs: () => intervalMs *= 2 })
    runner.add(worker)
    await runner.start()

    await clock.advance(15_000)

    assert.deepEqual(runs, [0, 2, 6, 14])
  })

  it('backs off after errors: a second, doubled each time, up to the interval', async () => {
    const { clock, runs, runner, worker } = surroundings(async run => {
      if (run <= 5) throw new Error(`fault ${run}`)
      return 'idle'
    })
    const handle = runner.add(worker)
    await runner.start()

    await clock.advance(24_000)
    const failing = handle.status()
    await clock.advance(21_000)

    assert.deepEqual(failing, { name: 'test', runs: 5, errors: 5, consecutiveErrors: 5, lastError: 'fault 5', lastRunAt: 15_000 })
    assert.deepEqual(runs, [0, 1, 3, 7, 15, 25, 35, 45])
    assert.deepEqual([handle.status().errors, handle.status().consecutiveErrors], [5, 0])
  })

  it('begins to back off where the worker wants it', async () => {
    const { clock, runs, runner, worker } = surroundings(async () => { throw new Error('a fault') }, { firstBackOffMs: 4000 })
    runner.add(worker)
    await runner.start()

    await clock.advance(25_000)

    assert.deepEqual(runs, [0, 4, 12, 22])
  })

  it('varies the wait by the jitter', async () => {
    const { clock, runs, runner, worker } = surroundings(undefined, { jitter: 0.3 })
    runner.add(worker)
    await runner.start()

    await clock.advance(200_000)

    const waits = runs.slice(1).map((at, index) => at - (runs[index] ?? 0))
    assert.ok(waits.every(wait => wait >= 7 && wait <= 13))
    assert.ok(new Set(waits).size > 5)
  })

  it('wakes a waiting worker', async () => {
    const { clock, runs, runner, worker } = surroundings()
    const handle = runner.add(worker)
    await runner.start()
    await clock.advance(3000)

    handle.wake()
    await clock.advance(10_000)

    assert.deepEqual(runs, [0, 3, 13])
  })

  it('runs once more when it was woken during a run, however often', async () => {
    const gate = Promise.withResolvers<void>()
    const { clock, runs, runner, worker } = surroundings(async run => {
      if (run === 1) await gate.promise
      return 'idle'
    })
    const handle = runner.add(worker)
    await runner.start()

    for (let n = 0; n < 3; n++) handle.wake()
    gate.resolve()
    await clock.advance(5000)

    assert.deepEqual(runs, [0, 0])
  })

  it('aborts what runs when it stops and waits for it', async () => {
    let ended = false
    const { clock, runner, worker } = surroundings(async (_run, signal) => {
      await new Promise(resolve => { signal.addEventListener('abort', resolve) })
      ended = true
      throw signal.reason
    })
    const handle = runner.add(worker)
    await runner.start()
    await clock.settle()

    await runner.stop()

    assert.ok(ended)
    assert.equal(handle.status().errors, 0)
    assert.equal(clock.pending, 0)
  })

  it('stops waiting workers at once, and never starts one that is added afterwards', async () => {
    const { clock, runs, runner, worker } = surroundings()
    runner.add(worker)
    await runner.start()
    await clock.advance(1000)

    await runner.stop()
    runner.add(worker)
    await clock.advance(60_000)

    assert.deepEqual(runs, [0])
    assert.equal(clock.pending, 0)
  })

  it('stops one worker and leaves the others', async () => {
    const { clock, runs, runner, worker } = surroundings()
    const other = surroundings()
    const handle = runner.add({ ...other.worker, name: 'other' })
    runner.add(worker)
    await runner.start()
    await clock.advance(10_000)

    await handle.stop()
    await handle.stop()
    await clock.advance(10_000)

    assert.deepEqual([runs.length, other.runs.length], [3, 2])
    assert.deepEqual(runner.statuses().map(status => status.name), ['test'])
  })

  it('starts only once', async () => {
    const { clock, runs, runner, worker } = surroundings()
    runner.add(worker)

    await runner.start()
    await runner.start()
    await clock.advance(10_000)

    assert.deepEqual(runs, [0, 10])
  })

  it('stops without ever having started', async () => {
    const { runs, runner, worker } = surroundings()
    runner.add(worker)

    await runner.stop()
    await runner.start()

    assert.deepEqual(runs, [])
  })
})
