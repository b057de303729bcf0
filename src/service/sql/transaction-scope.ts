import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../../base/clock.ts'
import { deadline, orAborted } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'

/** How long the work of a transaction may take; others wait for it. */
const longestWorkMs = 30_000

const running = new AsyncLocalStorage<{ isOver: boolean }>()

/**
 * Runs what happens inside of a transaction. Rejects with TIMEOUT when it takes too long. A transaction that is begun inside of it would
 * wait for its own end: INTERNAL.
 */
export async function insideTransaction<T> (clock: Clock, work: () => Promise<T>): Promise<T> {
  const mark = { isOver: false }
  const limit = deadline(
    clock, longestWorkMs, () => new ClusterError('TIMEOUT', {}, { message: 'the transaction took too long and was rolled back' })
  )
  try {
    return await orAborted(running.run(mark, work), limit.signal)
  } finally {
    mark.isOver = true
    limit.clear()
  }
}

/** Throws INTERNAL inside of a transaction: SQLite would wait for itself for ever. */
export function refuseNested (): void {
  if (running.getStore()?.isOver === false) {
    throw new ClusterError('INTERNAL', {}, { message: 'a transaction was begun inside of another one' })
  }
}
