import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import { yieldToEventLoop } from '../../../base/event-loop.ts'

/** SQLite's own transaction. */
export interface GroupControl {
  begin (): Promise<void>
  commit (): void
  rollBack (): void
  /** False after a fault that made SQLite take it back by itself. */
  readonly isOpen: boolean
}

/** Somebody's turn to write. */
export interface Turn {
  /** Call it when the work is done, well or not. */
  end (): void
  /** Resolves when the group is committed that the work was part of. */
  readonly committed: Promise<void>
}

interface Group { readonly committed: Promise<void>, resolve: () => void, reject: (err: unknown) => void, endsAt: number }

/** Transactions are nothing but work of this thread. One behind the other for so long, sockets, files and timers have their turn. */
const sliceMs = 25

/**
 * Who may write next: one at a time, in the order in which they came, and before all of these those that work for many (`isAhead`). All
 * that wait write in one transaction of SQLite, each within a savepoint (group commit): most of what a commit costs (search indexes, pages
 * of counters and indexes, locks) it costs only once.
 */
export class WriteGroups {
  readonly #control: GroupControl
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #ahead: Array<() => void> = []
  readonly #waiting: Array<() => void> = []
  #isTaken = false
  #group: Group | undefined

  constructor (control: GroupControl, { clock }: { clock: Pick<Clock, 'elapsed'> }) {
    this.#control = control
    this.#clock = clock
  }

  /** Resolves when it is one's turn. */
  async take ({ isAhead }: { isAhead: boolean }): Promise<Turn> {
    if (this.#isTaken) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const queue = isAhead ? this.#ahead : this.#waiting
      queue.push(resolve)
      await promise
    }
    this.#isTaken = true
    try {
      this.#group ??= await this.#begin()
    } catch (err) {
      void this.#pass()
      throw err
    }
    const { committed } = this.#group
    return { committed, end: () => this.#end() }
  }

  async #begin (): Promise<Group> {
    await this.#control.begin()
    const { promise: committed, resolve, reject } = Promise.withResolvers<void>()
    committed.catch(() => {}) // nobody waits for it whose work has failed
    return { committed, resolve, reject, endsAt: this.#clock.elapsed() + sliceMs }
  }

  #end (): void {
    const next = this.#control.isOpen && this.#group != null && this.#clock.elapsed() < this.#group.endsAt
      ? this.#ahead.shift() ?? this.#waiting.shift()
      : undefined
    if (next != null) return next()
    this.#commit()
    void this.#pass()
  }

  #commit (): void {
    const [group, control] = [this.#group, this.#control]
    this.#group = undefined
    try {
      if (!control.isOpen) throw new ClusterError('NOT_READY', {}, { message: 'the transaction was rolled back together with another one' })
      control.commit()
      group?.resolve()
    } catch (err) {
      if (control.isOpen) control.rollBack()
      group?.reject(err)
    }
  }

  async #pass (): Promise<void> {
    if (this.#ahead.length + this.#waiting.length > 0) await yieldToEventLoop()
    const next = this.#ahead.shift() ?? this.#waiting.shift()
    if (next != null) next()
    else this.#isTaken = false
  }
}
