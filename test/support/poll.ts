import { availableParallelism, loadavg } from 'node:os'

/** The time between two looks grows with the wait, unless it is given: each look may cost two processes a request. */
const firstEveryMs = 5
const longestEveryMs = 100

/** How many times as long as on a quiet machine something may take on this one at this moment: as many as want to run for each core. */
export const patience = (): number => Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())

/**
 * Waits until a condition holds, for tests and benchmarks of real processes. Rejects when it doesn't within `withinMs` of a quiet machine;
 * one that others load gets more.
 */
export async function pollUntil (
  condition: () => boolean | Promise<boolean>, options: { everyMs?: number, withinMs?: number, what?: string } = {}
): Promise<void> {
  const { everyMs, withinMs = 20_000, what = 'the condition' } = options
  const begin = performance.now()
  for (let nextMs = everyMs ?? firstEveryMs; !await condition(); nextMs = everyMs ?? Math.min(longestEveryMs, nextMs * 1.3)) {
    if (performance.now() - begin > withinMs * patience()) {
      throw new Error(`${what} did not come true within ${Math.round(performance.now() - begin)} ms`)
    }
    await new Promise(resolve => setTimeout(resolve, nextMs))
  }
}
