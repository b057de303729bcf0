import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { PinsetChange } from '../../consensus/consensus.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import { applyAgain, mostAtOnce, rowsOf } from './rows.ts'

export interface PinsetWatchDeps {
  database: SqlDatabase
  log: Logger
  /** Told when there is something to do in the pinset. */
  changed: () => void
  /** Told of each change at once, before it is looked at. */
  heard: (cids: readonly string[]) => void
}

/** Changes that wait to be looked at. More come only from a flood, and the reconciliation finds what was in it. */
const mostWaiting = 200_000
const dayMs = 86_400_000

/**
 * Hears what others change in the pinset: what they remove while somebody here owns it is wanted again, and what they pin otherwise is
 * looked at.
 */
export class PinsetWatch implements Worker {
  readonly name = 'service pinset watch'
  readonly #deps: PinsetWatchDeps
  readonly #waiting = new Map<string, boolean>()
  #unsubscribe: (() => void) | undefined
  #wake = (): void => {}

  constructor (deps: PinsetWatchDeps) { this.#deps = deps }

  follow (pinset: { onChange (listener: (changes: readonly PinsetChange[]) => void): () => void }): void {
    this.#unsubscribe = pinset.onChange(changes => {
      const named = changes.map(({ cid, pin }) => [cid.toString(), pin != null] as const)
      for (const [cid, isThere] of named) if (this.#waiting.size < mostWaiting) this.#waiting.set(cid, isThere)
      this.#deps.heard(named.map(([cid]) => cid))
      this.#wake()
    })
  }

  unfollow (): void { this.#unsubscribe?.() }
  onChange (wake: () => void): void { this.#wake = wake }

  intervalMs (): number { return dayMs }

  async work (): Promise<'busy' | 'idle'> {
    const batch = [...this.#waiting].slice(0, mostAtOnce)
    if (batch.length === 0) return 'idle'
    // what changes once more while this is looked at waits anew
    for (const [cid] of batch) this.#waiting.delete(cid)
    await yieldToEventLoop()
    const gone = batch.filter(([, isThere]) => !isThere).map(([cid]) => cid)
    const there = batch.filter(([, isThere]) => isThere).map(([cid]) => cid)
    await this.#lookAt(gone, there).catch(err => {
      for (const [cid, isThere] of batch) if (!this.#waiting.has(cid)) this.#waiting.set(cid, isThere)
      throw err
    })
    return 'busy'
  }

  async #lookAt (gone: readonly string[], there: readonly string[]): Promise<void> {
    const { database, log, changed } = this.#deps
    const [lost, pinned] = await Promise.all([rowsOf(database.db, gone), rowsOf(database.db, there)])
    const wanted = lost.filter(({ want, applied }) => want === 'pin' && applied === 1)
    const settled = pinned.filter(({ want, applied, next_try_at: nextTryAt }) => want === 'pin' && applied === 1 && nextTryAt == null)
    if (wanted.length + settled.length === 0) return
    await database.transaction(async tx => {
      const now = database.now()
      for (const row of wanted) await applyAgain(tx, row, now)
      if (settled.length > 0) {
        await tx.updateTable('cluster_pins').set({ next_try_at: now }).where('cid', 'in', settled.map(({ cid }) => cid)).execute()
      }
    })
    if (wanted.length > 0) log.info('pins that somebody else removed are wanted here and are made again', { pins: wanted.length })
    changed()
  }
}
