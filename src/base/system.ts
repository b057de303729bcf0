import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, Random } from './clock.ts'

/** The machine's clock. Made in the composition root and handed down. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal == null ? {} : { signal })
    } catch (err) {
      throw signal?.aborted === true ? signal.reason : err
    }
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

/** The machine's randomness. */
export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: length => new Uint8Array(randomBytes(length))
}
