import { orAborted } from '../../base/clock.ts'

interface Waiter { resolve: () => void, reject: (err: unknown) => void }

/** Those who wait until something was done in the cluster. */
export class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>()

  /** Rejects with the signal's reason. */
  async wait (cid: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { resolve: () => resolve(), reject }
    const waiters = this.#waiting.get(cid) ?? new Set()
    this.#waiting.set(cid, waiters.add(waiter))
    try {
      await orAborted(promise, signal)
    } finally {
      waiters.delete(waiter)
      if (waiters.size === 0 && this.#waiting.get(cid) === waiters) this.#waiting.delete(cid)
    }
  }

  tell (cid: string, err?: unknown): void {
    const waiters = this.#waiting.get(cid)
    this.#waiting.delete(cid)
    for (const { resolve, reject } of waiters ?? []) {
      if (err == null) resolve()
      else reject(err)
    }
  }
}
