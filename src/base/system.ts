import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, Random } from './clock.ts'

/** Node's timers fire at once when asked for more: longer waits (24.8 days and up) are made of several. */
const longestTimerMs = 2 ** 31 - 1

/** The machine's clock. Made in the composition root and handed down. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Node's `performance` is the same clock behind eight modules, which a start needn't load
  elapsed: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  sleep: async (ms, signal) => {
    try {
      for (let left = ms; ; left -= longestTimerMs) {
        await wait(Math.min(left, longestTimerMs), undefined, signal == null ? {} : { signal })
        if (left <= longestTimerMs) return
      }
    } catch (err) {
      throw signal?.aborted === true ? signal.reason : err
    }
  },
  after: (ms, callback) => {
    let timer: NodeJS.Timeout
    const arm = (left: number): void => {
      timer = setTimeout(() => left > longestTimerMs ? arm(left - longestTimerMs) : callback(), Math.min(left, longestTimerMs))
      timer.unref()
    }
    arm(ms)
    return () => clearTimeout(timer)
  }
}

/** The machine's randomness. */
export const systemRandom: Random = {
  float: () => Math.random(),
  // loading it costs programs that need no randomness 4 ms
  bytes: length => new Uint8Array(process.getBuiltinModule('node:crypto').randomBytes(length))
}
