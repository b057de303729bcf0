import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'

/** The time between two looks grows with the wait, unless it is given: each look may cost two processes a request. */
const firstEveryMs = 5
const longestEveryMs = 100

/** How many threads want to run at this moment; the system's mean is a minute late. 0 where there is no saying. */
function running (): number {
  try {
    return Number(/ (\d+)\//.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** How many times as long as on a quiet machine something may take on this one at this moment: as many as want to run for each core. */
export const patience = (): number => Math.max(1, Math.max(loadavg()[0] ?? 0, running()) / availableParallelism())

/** A time limit that on a quiet machine is so long: longer on one that others load. For what would otherwise go on for ever. */
export const quietMs = (ms: number): number => Math.round(2 * ms * patience())

/**
 * Waits until a condition holds, for tests and benchmarks of real processes. Rejects when it doesn't within `withinMs` of a quiet machine;
 * one that others load gets more.
 */
export async function pollUntil (
  condition: () => boolean | Promise<boolean>, options: { everyMs?: number, withinMs?: number, what?: string, signal?: AbortSignal } = {}
): Promise<void> {
  const { everyMs, withinMs = 20_000, what = 'the condition', signal } = options
  const begin = performance.now()
  let most = 1
  for (let nextMs = everyMs ?? firstEveryMs; !await condition(); nextMs = everyMs ?? Math.min(longestEveryMs, nextMs * 1.3)) {
    signal?.throwIfAborted()
    const waitedMs = performance.now() - begin
    if (waitedMs > withinMs / 2) most = Math.max(most, patience())
    if (waitedMs > withinMs * most) throw new Error(`${what} did not come true within ${Math.round(waitedMs)} ms`)
    await new Promise(resolve => setTimeout(resolve, nextMs))
  }
}
