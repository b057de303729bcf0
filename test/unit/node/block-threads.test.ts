import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { silentLogger } from '../../../src/base/log.ts'
import { PortCalls } from '../../../src/base/port-calls.ts'
import type { CallPort } from '../../../src/base/port-calls.ts'
import type { LeafJob, OwnBytes } from '../../../src/importer/block-workers.ts'
import { blockThreadCount } from '../../../src/node/block-threads/block-threads.ts'
import { BlockThreads } from '../../../src/node/block-threads/pool.ts'
import type { SpawnedThread } from '../../../src/node/spawn-thread.ts'
import { pollUntil } from '../../support/poll.ts'
import { SimClock } from '../../support/sim-clock.ts'

interface FakeThread { jobs: number, answer: () => void, die: () => void, isEnded: boolean }

const idleMs = 1000

/** Threads that answer when they are told to. */
function poolOf (threads: number) {
  const clock = new SimClock()
  const spawned: FakeThread[] = []
  const spawn = (): SpawnedThread => {
    const { port1, port2 } = new MessageChannel()
    const answers: Array<() => void> = []
    const fake: FakeThread = { jobs: 0, answer: () => answers.shift()?.(), die: () => {}, isEnded: false }
    void new PortCalls(port2 as unknown as CallPort, {
      calls: {
        leaves: async () => {
          fake.jobs++
          await new Promise<void>(resolve => { answers.push(resolve) })
          return { memory: new ArrayBuffer(0), blocks: [], fileSizes: [], rest: new Uint8Array(0), spare: undefined }
        }
      },
      notes: {}
    })
    spawned.push(fake)
    return {
      port: port1 as unknown as CallPort,
      onEnd: ended => {
        fake.die = () => {
          if (!fake.isEnded) ended(new Error('out of memory'))
          fake.isEnded = true
          port1.close()
        }
      },
      terminate: async () => fake.die()
    }
  }
  return { pool: new BlockThreads({ threads, idleMs }, { spawn, clock, log: silentLogger }), clock, spawned }
}

const job = (): LeafJob => ({
  format: { chunker: '', hash: 'sha2-256', cidVersion: 0, rawLeaves: false, layout: '' },
  bytes: Buffer.allocUnsafeSlow(8) as OwnBytes,
  isLast: true
})

describe('threads for blocks', { timeout: 10_000 }, () => {
  it('begin one by one as there are jobs, and take two each', async () => {
    const { pool, spawned } = poolOf(2)
    assert.equal(pool.size, 0)
    for (let n = 0; n < 4; n++) await pool.leaves(job())
    let isBegun = false
    const fifth = pool.leaves(job()).then(() => { isBegun = true })
    await pollUntil(() => spawned.length === 2 && spawned.every(({ jobs }) => jobs === 2))
    assert.equal(isBegun, false)

    spawned[1]?.answer()

    await fifth
    await pollUntil(() => spawned[1]?.jobs === 3)
    assert.equal(pool.size, 2)
    await pool.stop()
  })

  it('that die end their jobs with an error, and others take their place', async () => {
    const { pool, spawned } = poolOf(1)
    const jobs = [await pool.leaves(job()), await pool.leaves(job())]
    const waiting = pool.leaves(job())
    await pollUntil(() => spawned[0]?.jobs === 2)

    spawned[0]?.die()

    await Promise.all(jobs.map(async begun => assert.rejects(begun.result, { code: 'INTERNAL', message: 'a thread of this peer has ended' })))
    const { result } = await waiting
    await pollUntil(() => spawned[1]?.jobs === 1)
    spawned[1]?.answer()
    assert.deepEqual((await result).leaves, [])
    await pool.stop()
  })

  it('end when there was nothing to do for a while, and begin again', async () => {
    const { pool, spawned, clock } = poolOf(2)
    const { result } = await pool.leaves(job())
    await pollUntil(() => spawned[0]?.jobs === 1)
    await clock.advance(5 * idleMs)
    assert.equal(pool.size, 1)
    spawned[0]?.answer()
    await result

    await clock.advance(idleMs)

    assert.equal(pool.size, 0)
    assert.equal(spawned[0]?.isEnded, true)
    await pool.leaves(job())
    assert.equal(pool.size, 1)
    await pool.stop()
  })

  it('are none any more after a stop, which ends jobs that run and refuses those that wait', async () => {
    const { pool, spawned } = poolOf(1)
    const { result } = await pool.leaves(job())
    const second = (await pool.leaves(job())).result
    const waiting = pool.leaves(job())

    const stopped = pool.stop()

    const refused = [[result, 'INTERNAL'], [second, 'INTERNAL'], [waiting, 'NOT_READY']] as const
    await Promise.all(refused.map(async ([promise, code]) => assert.rejects(promise as Promise<unknown>, { code })))
    await stopped
    await assert.rejects(pool.leaves(job()), { code: 'NOT_READY' })
    assert.equal(spawned[0]?.isEnded, true)
  })

  it('are one for each core but one', () => {
    assert.deepEqual([1, 2, 3, 8, 64].map(cores => blockThreadCount(-1, cores)), [0, 0, 2, 7, 16])
    assert.deepEqual([0, 1, 40].map(setting => blockThreadCount(setting, 2)), [0, 1, 40])
  })
})
