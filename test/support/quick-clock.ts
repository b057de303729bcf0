import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/system.ts'

/** The real time, so many times as quick: for what takes seconds by itself and runs over real connections. */
export function quickClock (times: number): Clock {
  return {
    now: () => systemClock.now() * times,
    elapsed: () => systemClock.elapsed() * times,
    sleep: async (ms, signal) => systemClock.sleep(ms / times, signal),
    after: (ms, callback) => systemClock.after(ms / times, callback)
  }
}
