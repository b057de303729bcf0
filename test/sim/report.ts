import { readFileSync } from 'node:fs'
import type { SimResult } from './simulate.ts'

/** Seeds that once failed: the first number of each line of seeds.txt; `#` begins a remark. */
export function pastSeeds (): number[] {
  const lines = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8').split('\n')
  return lines.map(line => Number.parseInt(line, 10)).filter(seed => !Number.isNaN(seed))
}

const mostFaults = 10

/** What to tell of a failed run: the command that repeats it, and what was found. */
export function failureReport ({ seed, faults }: Pick<SimResult, 'seed' | 'faults'>): string {
  const more = faults.length > mostFaults ? [`and ${faults.length - mostFaults} more`] : []
  return [
    `seed ${seed} fails: npm run test:sim -- --seeds 1 --from ${seed}`,
    ...[...faults.slice(0, mostFaults), ...more].map(fault => `  ${fault}`)
  ].join('\n')
}
