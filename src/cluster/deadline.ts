import type { Clock } from '../base/clock.ts'
import { deadline, orAborted } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'

/** How long another peer has for an answer about one pin or about itself (cluster.go). */
export const peerAnswerMs = 15_000

export interface WithinInit { clock: Clock, ms: number, signal?: AbortSignal | undefined }

/**
 * Runs `ask` with a signal that ends after `ms`, and rejects then even when the signal is ignored: TIMEOUT, or the parent signal's reason.
 */
export async function within<T> (init: WithinInit, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timeout = (): Error => new ClusterError('TIMEOUT', { ms: init.ms }, { message: 'context deadline exceeded' })
  const { signal, clear } = deadline(init.clock, init.ms, timeout, init.signal)
  try {
    return await orAborted(ask(signal), signal)
  } finally {
    clear()
  }
}
