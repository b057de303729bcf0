import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const module = new URL('../../../cmd/helia-cluster-service/collector.ts', import.meta.url).href

/**
 * How often a process of its own collects everything while 1 GiB goes through it in buffers of 64 KiB, and the most of them that it holds
 * at once, in MiB.
 */
async function collections ({ tuned }: { tuned: boolean }): Promise<{ full: number, mostMiB: number, told: string }> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks'
    import { collectBuffersLate, limitYoungSpace } from ${JSON.stringify(module)}
    if (${tuned}) collectBuffersLate()
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

describe('garbage collection of a daemon', () => {
  it('collects buffers without collecting everything, and in time', async () => {
    const [plain, tuned] = [await collections({ tuned: false }), await collections({ tuned: true })]

    assert.equal(tuned.told, '', 'V8 knows the flags')
    assert.ok(tuned.full <= plain.full / 2, `${tuned.full} full collections, ${plain.full} without`)
    assert.ok(tuned.mostMiB < 512, `${tuned.mostMiB} MiB of buffers at once`)
  })
})
