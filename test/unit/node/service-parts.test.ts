import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { ErrorCode } from '../../../src/base/errors.ts'
import type { Startable } from '../../../src/base/lifecycle.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/system.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import { ServiceParts } from '../../../src/node/service/service-parts.ts'
import { SimClock } from '../../support/sim-clock.ts'

const { signal } = new AbortController()

/** Parts that tell what happens to them; `faults`: what the starts of the second one throw, one after the other. */
async function partsWith (faults: ErrorCode[]) {
  const clock = new SimClock()
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  const told: string[] = []
  const part = (name: string, fail: () => ErrorCode | undefined = () => undefined): Startable => ({
    name,
    start: async () => {
      const code = fail()
      told.push(code == null ? `${name} starts` : `${name} fails`)
      if (code != null) throw new ClusterError(code)
    },
    stop: async () => { told.push(`${name} stops`) }
  })
  const parts = new ServiceParts([part('database'), part('staging', () => faults.shift()), part('files')], { workers, log: silentLogger })
  await workers.start()
  return { parts, clock, told, stop: async () => workers.stop() }
}

describe('the parts of the service', () => {
  it('start in order and stop in reverse', async () => {
    const { parts, told, stop } = await partsWith([])

    await parts.start(signal)
    assert.ok(parts.isReady)
    await parts.stop()

    assert.deepEqual(told, ['database starts', 'staging starts', 'files starts', 'files stops', 'staging stops', 'database stops'])
    await stop()
  })

  it('wait for what is away, without keeping the peer from starting, and go on from there', async () => {
    const { parts, clock, told, stop } = await partsWith(['NOT_READY', 'TIMEOUT'])

    await parts.start(signal)
    assert.ok(!parts.isReady)
    await clock.until(() => parts.isReady, 60_000)
    await parts.stop()

    assert.deepEqual(
      told,
      [
        'database starts', 'staging fails', 'staging fails', 'staging starts', 'files starts', 'files stops', 'staging stops',
        'database stops'
      ]
    )
    await stop()
  })

  it('stop while one of them is awaited', async () => {
    const { parts, told, stop } = await partsWith(['NOT_READY'])
    await parts.start(signal)

    await parts.drain()
    await parts.stop()

    assert.deepEqual(told, ['database starts', 'staging fails', 'database stops'])
    await stop()
  })

  it('keep the peer from starting when something is wrong for good', async () => {
    const { parts, stop } = await partsWith(['INVALID_DATA'])

    await assert.rejects(parts.start(signal), { code: 'INVALID_DATA' })

    await parts.stop()
    await stop()
  })
})
