/** The time, as an argument. Everything that decides takes one, so that whole clusters can run in simulated time. */
export interface Clock {
  /** Unix time in milliseconds. */
  now (): number
  /**
   * Milliseconds since some moment before. Goes on evenly, whatever the machine's clock is set to: for waits and ages within one process.
   */
  elapsed (): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep (ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `ms` milliseconds; the returned function cancels. The timer doesn't keep the process alive. */
  after (ms: number, callback: () => void): () => void
}

/** A random source, as an argument. */
export interface Random {
  /** 0 <= x < 1 */
  float (): number
  /** Outside of simulations good enough for secrets. */
  bytes (length: number): Uint8Array
}

/**
 * A signal that aborts with the parent's reason, or with `reason()` after `ms`. Call `clear` when the work is done.
 * Used instead of AbortSignal.timeout, which knows only the real time.
 */
export function deadline (clock: Clock, ms: number, reason: () => Error, parent?: AbortSignal): { signal: AbortSignal, clear: () => void } {
  const controller = new AbortController()
  const onParent = (): void => controller.abort(parent?.reason)
  if (parent?.aborted === true) onParent()
  parent?.addEventListener('abort', onParent, { once: true })
  const cancel = clock.after(ms, () => controller.abort(reason()))
  return {
    signal: controller.signal,
    clear: () => {
      cancel()
      parent?.removeEventListener('abort', onParent)
    }
  }
}

/** What the promise gives, or 'late' when it takes longer than `ms`; the promise goes on. */
export async function orLate<Result> (promise: Promise<Result>, { clock, ms }: { clock: Clock, ms: number }): Promise<Result | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const cancel = clock.after(ms, () => resolve('late'))
  try {
    return await Promise.race([promise, late])
  } finally {
    cancel()
  }
}

/** Settles with the promise, or rejects with the signal's reason; the promise goes on. */
export async function orAborted<Result> (promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([aborted, promise]).finally(() => signal.removeEventListener('abort', onAbort))
}
