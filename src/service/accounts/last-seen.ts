import { batchesOf } from '../../base/batches.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { SqlDatabase } from '../sql/sql.ts'

export interface LastSeenDeps { database: SqlDatabase, workers: Workers, log: Logger }

const flushMs = 60_000
const usersAtOnce = 500

/** When users were last here, whichever way: to the minute, so that it costs one write a minute for each at most. */
export class LastSeen implements Startable {
  readonly name = 'last seen users'
  readonly #deps: LastSeenDeps
  readonly #seen = new Set<string>()
  #flushing: WorkerHandle | undefined

  constructor (deps: LastSeenDeps) { this.#deps = deps }

  async start (): Promise<void> {
    this.#flushing = this.#deps.workers.add({
      name: 'last seen users', intervalMs: () => flushMs, runAtStart: false, work: async () => this.#flush()
    })
  }

  async stop (): Promise<void> {
    await this.#flushing?.stop()
    this.#flushing = undefined
    await this.#flush().catch(err => this.#deps.log.debug('the times when users were last seen are lost', { err }))
  }

  note (user: string): void { this.#seen.add(user) }

  async #flush (): Promise<'idle'> {
    const { database } = this.#deps
    const now = database.now()
    const users = [...this.#seen].toSorted()
    for (const some of batchesOf(users, usersAtOnce)) {
      for (const user of some) this.#seen.delete(user)
      try {
        await database.transaction(
          async tx => tx.updateTable('users').set({ last_seen_at: now }).where('id', 'in', some).where('last_seen_at', '<', now).execute()
        )
      } catch (err) {
        for (const user of some) this.#seen.add(user)
        throw err
      }
    }
    return 'idle'
  }
}
