import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { silentLogger } from '../../../src/base/log.ts'
import { PortCalls } from '../../../src/base/port-calls.ts'
import type { CallPort } from '../../../src/base/port-calls.ts'
import { BusyWatch } from '../../../src/node/gateway-threads/busy-watch.ts'
import { GatewayPool } from '../../../src/node/gateway-threads/gateway-pool.ts'
import type { SpawnedThread } from '../../../src/node/spawn-thread.ts'
import { servingMemory, servingShares } from '../../../src/node/gateway-threads/thread-init.ts'
import type { ThreadInit } from '../../../src/node/gateway-threads/thread-init.ts'
import { gatewayDefaults } from '../../support/gateway-peer.ts'
import { pollUntil, quietMs } from '../../support/poll.ts'
import { SimClock } from '../../support/sim-clock.ts'

interface FakeThread { init: ThreadInit, end: () => void, said: string[], isStuck: boolean }

/** Threads that do as they are told, or nothing at all. */
function poolOf (threads = 2) {
  const clock = new SimClock()
  const memory = servingMemory(threads)
  const spawned: FakeThread[] = []
  const spawn = (init: ThreadInit): SpawnedThread => {
    const { port1, port2 } = new MessageChannel()
    const fake: FakeThread = { init, end: () => {}, said: [], isStuck: false }
    const answer = (name: string) => async () => {
      fake.said.push(name)
      if (fake.isStuck) await new Promise(() => {})
    }
    void new PortCalls(port2 as unknown as CallPort, {
      calls: { start: answer('start'), drain: answer('drain'), stop: answer('stop') },
      notes: { changed: gone => { fake.said.push(`changed ${String(gone)}`) }, rules: has => { fake.said.push(`rules ${String(has)}`) } }
    })
    spawned.push(fake)
    let isEnded = false
    return {
      port: port1 as unknown as CallPort,
      onEnd: ended => {
        fake.end = () => {
          if (!isEnded) ended(new Error('it ended'))
          isEnded = true
          port1.close()
        }
      },
      terminate: async () => fake.end()
    }
  }
  const changes: Array<(gone: readonly number[]) => void> = []
  const pool = new GatewayPool({
    threads,
    gateway: gatewayDefaults,
    shares: memory,
    flow: { maxBytes: 1, stalledMs: 1, keepBytes: 1 },
    blocksFolder: '',
    walkFolder: '',
    has: { names: false, pendingImport: false, lines: false, measures: false }
  }, {
    spawn,
    handlers: {},
    blocks: { onChange: changed => { changes.push(changed); return () => { changes.length = 0 } } },
    denylist: undefined,
    logLine: null,
    measured: undefined,
    clock,
    log: silentLogger
  })
  return { pool, clock, spawned, memory, changed: (gone: number[]) => { for (const changed of changes) changed(gone) } }
}

describe('the threads of a gateway', { timeout: quietMs(10_000) }, () => {
  it('all listen at the same addresses, and hear of every change', async () => {
    const { pool, spawned, changed } = poolOf()

    await pool.serve(['/ip4/127.0.0.1/tcp/8080'])
    changed([3])

    assert.deepEqual(
      spawned.map(({ init: { thread, gateway } }) => [thread, ...gateway.listen]),
      [[1, '/ip4/127.0.0.1/tcp/8080'], [2, '/ip4/127.0.0.1/tcp/8080']]
    )
    await pollUntil(() => spawned.every(({ said }) => said.includes('changed 3')), { everyMs: 1 })
    await pool.stop()
  })

  it('begin again after a second when they end, later each time, and leave no part in what all share', async () => {
    const { pool, clock, spawned, memory } = poolOf(1)
    await pool.serve([])
    servingShares(memory, 1).bytes.tell(100)

    spawned[0]?.end()

    assert.equal(servingShares(memory, 0).bytes.others(), 0)
    await clock.advance(999)
    assert.equal(spawned.length, 1)
    await clock.advance(1)
    assert.equal(spawned.length, 2)
    spawned[1]?.end()
    await clock.advance(1999)
    assert.equal(spawned.length, 2)
    await clock.advance(1)
    assert.equal(spawned.length, 3)
    await pool.stop()
  })

  it('are ended when they do not stop', async () => {
    const { pool, clock, spawned } = poolOf(1)
    await pool.serve([])
    Object.assign(spawned[0] as FakeThread, { isStuck: true })

    const stopped = pool.stop()
    await pollUntil(() => spawned[0]?.said.includes('stop') === true, { everyMs: 1 })
    await clock.advance(2000)

    await stopped
    assert.equal(pool.size, 0)
  })
})

describe('whether the main thread is busy', () => {
  const watching = (share: number) => {
    const clock = new SimClock()
    let [busy, looks] = [0, 0]
    const watch = new BusyWatch({ windowMs: 500, share: 0.6 }, {
      utilization: () => { looks++; return () => share }, busy: () => { busy++ }, clock
    })
    return { clock, watch, busy: () => busy, looks: () => looks }
  }

  it('is looked at while requests come, and told once', async () => {
    const { clock, watch, busy, looks } = watching(0.6)

    watch.saw()
    watch.saw()
    await clock.advance(500)
    watch.saw()
    await clock.advance(500)

    assert.deepEqual([busy(), looks()], [1, 1])
  })

  it('is not told of one that has time', async () => {
    const { clock, watch, busy, looks } = watching(0.59)

    watch.saw()
    await clock.advance(500)
    watch.saw()
    await clock.advance(500)

    assert.deepEqual([busy(), looks()], [0, 2])
  })
})
