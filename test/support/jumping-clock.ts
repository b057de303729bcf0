import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/system.ts'

/** The real time, of which a test can let some pass at once; what sleeps isn't woken by that. */
export class JumpingClock implements Clock {
  #ahead = 0

  jump (ms: number): void { this.#ahead += ms }
  now (): number { return systemClock.now() + this.#ahead }
  elapsed (): number { return systemClock.elapsed() + this.#ahead }
  sleep (ms: number, signal?: AbortSignal): Promise<void> { return systemClock.sleep(ms, signal) }
  after (ms: number, callback: () => void): () => void { return systemClock.after(ms, callback) }
}
