import { readdirSync } from 'node:fs'
import { residentMiB } from '../bench/peers.ts'

/** What the process of a peer is like at one moment. */
export interface ProcessSample { atMs: number, rssMiB: number, heapMiB: number, fds: number, lagP99Ms: number }

export async function sampleOf (pid: number, { metricsUrl, atMs }: { metricsUrl: string, atMs: number }): Promise<ProcessSample> {
  const text = await (await fetch(metricsUrl)).text()
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN)
  return {
    atMs,
    rssMiB: await residentMiB([pid]),
    heapMiB: figure('nodejs_heap_size_used_bytes') / 2 ** 20,
    fds: readdirSync(`/proc/${pid}/fd`).length,
    lagP99Ms: figure('nodejs_eventloop_lag_p99_seconds') * 1000
  }
}

export const median = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN

/** The run in five parts. */
export function fifths (samples: readonly ProcessSample[]): ProcessSample[][] {
  const begin = (part: number): number => Math.floor(samples.length * part / 5)
  return Array.from({ length: 5 }, (_part, at) => samples.slice(begin(at), begin(at + 1)))
}

/** How much more memory the last fifth takes than the second (the first fills caches), as a share of it: 0 is flat. */
export function growth (samples: readonly ProcessSample[]): number {
  const [, early = [], , , late = []] = fifths(samples).map(part => part.map(({ rssMiB }) => rssMiB))
  return median(late) / median(early) - 1
}
