import type { Startable } from '../../base/lifecycle.ts'
import type { Sql } from '../sql/sql.ts'
import type { TaskRow } from '../sql/tables.ts'

/** A task as its handler gets it. */
export interface Task<Input> {
  id: string
  /** null: the service's own. */
  user: string | null
  version: number
  input: Input
  /** What was last given to `progress`, also by a peer that died meanwhile; null at first. */
  progress: unknown
  /** 1 at the first time, and at the first one after progress. */
  attempt: number
}

/** What a handler is given besides its input. */
export interface TaskContext {
  /**
   * Stores how far it is, as JSON that others see and a later attempt gets. With a transaction it is part of that: a step and the progress
   * behind it happen together or not at all. Throws CONFLICT when the task isn't this handler's any more (revoked, or the lease was lost).
   */
  progress (value: unknown, tx?: Sql): Promise<void>
  /** Aborts when the task is revoked, its lease is lost, or the peer stops. */
  readonly signal: AbortSignal
}

/**
 * Its result (as JSON) ends the task with SUCCESS, an error with FAILURE. Runs at least once: what it has done already, it must be able to
 * meet again.
 */
export type TaskHandler<Input> = (task: Task<Input>, context: TaskContext) => Promise<unknown>

/** A task that ended without a result. */
export interface FailedTask<Input> {
  id: string
  user: string | null
  version: number
  input: Input
  state: 'FAILURE' | 'REVOKED'
  /** For its owner. */
  error: string
}

/**
 * Gives back what a task held, in the transaction that ends it without a result: whether its handler failed, it was begun too often, or
 * somebody revoked it, on any peer. May run again, as the work of every transaction. What it gives is called once, after the commit.
 */
export type TaskFailure<Input> = (tx: Sql, task: FailedTask<Input>) => Promise<(() => Promise<void>) | undefined>

export interface HandleOptions<Input> {
  /** Stored with new tasks; older ones come with the version that they were made with. Default 1. */
  version?: number
  onFailure?: TaskFailure<Input>
}

/**
 * Long work that outlives requests, restarts and peers: rows with a lease, which any peer on the database takes, oldest first, but at most
 * two of a user at once.
 *
 * - A peer renews its leases; what it had when it died is taken by another (or by itself) once the lease of 30 s is over, at once after an
 *   orderly stop.
 * - The errors NOT_READY, TIMEOUT and IPFS_UNAVAILABLE are tried again, after 2 s to 10 min. A task that was begun ten times in a row
 *   without `progress` fails.
 * - Finished tasks are kept for 30 days.
 */
export interface Tasks extends Startable {
  /** Before `start`. A kind has one handler. Peers take only kinds that they have a handler for. */
  handle<Input> (kind: string, handler: TaskHandler<Input>, options?: HandleOptions<Input>): void
  /** Gives the task's id, a UUID. It begins soon after the transaction's end; `wake` makes it at once. `user` null: the service's own. */
  create (tx: Sql, user: string | null, kind: string, input: unknown): Promise<string>
  /** NOT_FOUND for unknown ones and others'. */
  get (user: string, id: string): Promise<TaskRow>
  /** The newest ones. */
  list (user: string, options?: { limit?: number }): Promise<TaskRow[]>
  /** Ends it without a result; a handler that runs is told by its signal. NOT_FOUND as `get`; CONFLICT when it is finished. */
  revoke (user: string, id: string): Promise<void>
  /**
   * As a part of a transaction, and of whoever's task where no `user` is given. Gives what has to be called after the commit; undefined
   * when it is finished, or not theirs.
   */
  revokeWithin (tx: Sql, task: { id: string, user?: string }): Promise<(() => Promise<void>) | undefined>
  /** After the transaction: look for work now, on all peers. */
  wake (): void
  /** Resolves when the task is finished, with its row. For tests and for answers that wait a little. */
  finished (user: string, id: string, options?: { signal?: AbortSignal }): Promise<TaskRow>
}
