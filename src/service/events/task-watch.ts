import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { SqlDatabase } from '../sql/sql.ts'

/** A task whose state has changed. */
export interface WatchedTask { taskId: string, kind: string, state: string, error: string | null }

export interface TaskWatchDeps {
  database: SqlDatabase
  /** Told of each task whose state has changed, on whichever peer. */
  told: (task: WatchedTask) => void
  clock: Clock
  log: Logger
}

const gatherMs = 250
const tasksAtOnce = 500

/** Tells whoever runs the service how its tasks go, without what is in them. */
export class TaskWatch implements Startable {
  readonly name = 'service task events'
  readonly #deps: TaskWatchDeps
  readonly #changed = new Set<string>()
  #unlisten = (): void => {}
  #cancel: (() => void) | undefined

  constructor (deps: TaskWatchDeps) { this.#deps = deps }

  async start (): Promise<void> { this.#unlisten = this.#deps.database.listen('tasks', id => this.#heard(id)) }

  async stop (): Promise<void> {
    this.#unlisten()
    this.#cancel?.()
  }

  /** More than fit are left out: these are for looking on. */
  #heard (id: string | null): void {
    if (id == null || this.#changed.size >= tasksAtOnce) return
    this.#changed.add(id)
    this.#cancel ??= this.#deps.clock.after(gatherMs, () => {
      this.#tell().catch(err => this.#deps.log.debug('tasks could not be read', { err }))
    })
  }

  async #tell (): Promise<void> {
    this.#cancel = undefined
    const ids = [...this.#changed]
    this.#changed.clear()
    const rows = await this.#deps.database.db.selectFrom('tasks').select(['id', 'kind', 'state', 'error']).where('id', 'in', ids).execute()
    for (const { id, kind, state, error } of rows) this.#deps.told({ taskId: id, kind, state, error })
  }
}
