import { setImmediate as nextTick } from 'node:timers/promises'

/**
 * Lets what else is due run first (connections, timers, other calls): resolves in the event loop's next tick. For work that would keep them
 * waiting.
 */
export const yieldToEventLoop = nextTick as () => Promise<void>

/** Calls back in the event loop's next tick, for what is gathered in this one. The returned function cancels. */
export function inNextTick (callback: () => void): () => void {
  const immediate = setImmediate(callback)
  return () => clearImmediate(immediate)
}

/**
 * A peer that is busy with other things must not let those wait for long who have come first. Measured, with 12 beside it: "A small add" in
 * docs/design/performance.md.
 */
const gatheredTicks = 6

/**
 * For work that is done for many as cheaply as for one: resolves at the end of this tick, or of one of the next five as long as each of
 * them brings more. `count`: what has come.
 */
export async function gathered (count: () => number): Promise<void> {
  for (let tick = 0, before = -1; tick < gatheredTicks && count() > before; tick++) {
    before = count()
    await yieldToEventLoop()
  }
}
