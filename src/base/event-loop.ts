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
