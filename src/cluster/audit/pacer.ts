import type { Clock } from '../../base/clock.ts'

/** Shorter waits than this aren't worth a timer. Milliseconds. */
const leastWaitMs = 20

/** A function that whoever reads calls with what was read; it resolves when it's time for more. 0: at once. */
export function pacer (
  bytesPerSecond: number, clock: Pick<Clock, 'elapsed' | 'sleep'>, signal: AbortSignal
): (bytes: number) => Promise<void> {
  let debtMs = 0
  let at = clock.elapsed()
  return async bytes => {
    if (bytesPerSecond <= 0) return
    const now = clock.elapsed()
    debtMs = Math.max(0, debtMs - (now - at)) + bytes / bytesPerSecond * 1000
    at = now
    if (debtMs >= leastWaitMs) await clock.sleep(debtMs, signal)
  }
}
