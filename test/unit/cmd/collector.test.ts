import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { garbageLimit, garbagePercent } from '../../../cmd/helia-cluster-service/collector.ts'

const module = new URL('../../../cmd/helia-cluster-service/collector.ts', import.meta.url).href

/**
 * How often a process of its own collects everything while 1 GiB goes through it in buffers of 64 KiB, and the most of them that it holds
 * at once, in MiB.
 */
async function collections ({ tuned }: { tuned: boolean }): Promise<{ full: number, mostMiB: number, told: string }> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks'
    import { collectBuffersLate, youngSpaceLimit } from ${JSON.stringify(module)}
    if (${tuned}) collectBuffersLate()
    const limitYoungSpace = ${tuned} ? youngSpaceLimit() : () => {}
    // the program loads: what lives makes the young space grow
    globalThis.living = []
    for (let at = 0; at < 200_000; at++) {
      globalThis.living.push({ at, name: 'object ' + at })
      if (${tuned} && at % 10_000 === 0) limitYoungSpace()
    }
    let full = 0
    new PerformanceObserver(list => {
      full += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length
    }).observe({ entryTypes: ['gc'] })
    let most = 0
    for (let at = 0; at < 2 ** 14; at++) {
      globalThis.last = Array.from({ length: 20 }, (_, at) => ({ at, buffer: at === 0 ? new Uint8Array(65_536) : undefined }))
      if (at % 64 === 0) {
        most = Math.max(most, process.memoryUsage().arrayBuffers)
        await new Promise(setImmediate)
      }
    }
    await new Promise(resolve => setTimeout(resolve, 10))
    console.log(JSON.stringify({ full, mostMiB: most / 2 ** 20 }))`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return { ...JSON.parse(stdout), told: stderr }
}

const mib = 2 ** 20

/** The most that a process of its own holds, in MiB, which keeps 150 MiB of buffers and replaces them one by one, 4 GiB in all. */
async function mostHeld (): Promise<number> {
  const program = `
    import { limitGarbage } from ${JSON.stringify(module)}
    limitGarbage(10)
    globalThis.living = Array.from({ length: 150 }, () => new Uint8Array(2 ** 20))
    let most = 0
    for (let at = 0; at < 4096; at++) {
      globalThis.living[at % 150] = new Uint8Array(2 ** 20)
      most = Math.max(most, process.memoryUsage().arrayBuffers)
      if (at % 8 === 0) await new Promise(resolve => setTimeout(resolve, 2))
    }
    console.log(most / 2 ** 20)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return Number(stdout)
}

/** The young space in MiB after a start that made much, before and after this process was set up for load. */
async function youngSpace (): Promise<{ before: number, after: number }> {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8'
    import { limitGarbage } from ${JSON.stringify(module)}
    const young = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20
    let made = []
    for (let at = 0; at < 2_000_000; at++) {
      made.push({ at })
      if (made.length === 200_000) made = []
    }
    const before = young()
    limitGarbage()
    for (let at = 0; at < 100 && young() > 8; at++) await new Promise(resolve => setTimeout(resolve, 10))
    console.log(JSON.stringify({ before, after: young() }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return JSON.parse(stdout)
}

describe('garbage collection of a daemon', () => {
  it('lets three times wait of little that lives, and of much less', () => {
    assert.deepEqual([10 * mib, 48 * mib, 96 * mib, 500 * mib].map(garbagePercent), [200, 200, 100, 60])
  })

  const isOld = Number(process.versions.node.split('.')[0]) < 22
  it('takes back what a start has let grow', { skip: isOld ? 'V8 of this Node has no such collection' : false }, async () => {
    const { before, after } = await youngSpace()

    assert.ok(before > 8, `${before} MiB`)
    assert.ok(after <= 8, `${after} of ${before} MiB`)
  })

  it('tells V8 what lives, and collects what V8 has missed, once for each time', () => {
    let held = 0
    const told: Array<number | string> = []
    const look = garbageLimit({
      heldBytes: () => held * mib, setPercent: percent => told.push(percent), collect: () => told.push('collect')
    })
    const after = (...looks: number[]): Array<number | string> => {
      told.length = 0
      for (held of looks) look()
      return [...told]
    }

    assert.deepEqual(after(40, 80, 70, 110, 45), [], 'little lives')
    assert.deepEqual(after(300, 150), ['collect', 64], 'what is left after a collection lives')
    assert.deepEqual(after(200, 260, 290), [], 'within its limit')
    assert.deepEqual(after(340, 330, 400), ['collect', 60], 'and once for what turns out to live')
    assert.deepEqual(after(600, 100), [96], 'V8 has collected')
  })

  it('bounds buffers of a program that makes no objects', async () => {
    const most = await mostHeld()

    assert.ok(most < 600, `${most} MiB of 150 that live`)
  })

  it('collects buffers without collecting everything, and in time', async () => {
    const [plain, tuned] = [await collections({ tuned: false }), await collections({ tuned: true })]

    assert.equal(tuned.told, '', 'V8 knows the flags')
    // on a busy machine V8's own threads come late, and there are more of both
    assert.ok(tuned.full < plain.full * 0.75, `${tuned.full} full collections, ${plain.full} without`)
    assert.ok(tuned.mostMiB < 512, `${tuned.mostMiB} MiB of buffers at once`)
  })
})
