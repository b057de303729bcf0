import type { Kysely, RawBuilder, SqlBool, Transaction } from 'kysely'
import type { Startable } from '../../base/lifecycle.ts'
import type { NameMatch } from '../../model/pinning-service.ts'
import type { Tables } from './tables.ts'

/** A transaction that is under way. What changes several things takes one, so that they change together or not at all. */
export type Sql = Transaction<Tables>

/** A condition for `where`. */
export type Condition = RawBuilder<SqlBool>

/** What is looked for. All that is given must hold; of `meta` all pairs. */
export interface Search {
  name?: { text: string, match: NameMatch }
  meta?: Readonly<Record<string, string>>
  /** `state` of files, `status` of pins. */
  state?: string
  /** Of files; null: those in no group. */
  group?: string | null
}

export interface TransactionOptions {
  /** Work for many at once that others wait for: where transactions queue up it has its turn before those of one. Default false. */
  isAhead?: boolean
  /**
   * False: resolves when it is committed, without waiting for the disk. A loss of power may take it back, and everything behind it; a
   * process that is killed loses nothing. For what is found and done again then, and is told to nobody as done. Default true.
   */
  isDurable?: boolean
}

/**
 * The database of the service layer: its tables (`tables.ts`), whichever database holds them.
 *
 * - `start` connects and brings the tables to this version, one process at a time; a process that dies meanwhile leaves the version of
 *   before. Throws INVALID_DATA when a newer version was here, NOT_READY when the database can't be reached.
 * - Every query and transaction throws NOT_READY while the database is away; it comes back by itself. Before `start` and after `stop` too.
 * - CONFLICT says that a unique value is taken already, INVALID_ARGUMENT that a text can't be stored (it holds U+0000, or is too long for
 *   an index), STORAGE_FULL what it says. An error ends its transaction: let it out. Who expects a unique value to be taken inserts with
 *   `onConflict(… doNothing())` and looks at `numInsertedOrUpdatedRows`.
 * - Numbers are JavaScript's, also counts and sums. Rows are plain objects.
 */
export interface SqlDatabase extends Startable {
  readonly kind: 'sqlite' | 'postgres'
  /** For reading only, outside of transactions: sees everything that has been committed. A write throws. */
  readonly db: Kysely<Tables>

  /**
   * Transactions happen as if one after the other. When the promise resolves, the disk has it. `work` awaits nothing but its transaction,
   * because others wait for it (after 30 s it is rolled back, TIMEOUT), may be run again from its beginning (so it changes nothing else),
   * and starts no transaction of its own (INTERNAL). When NOT_READY is thrown because the database went away at the very end, the change
   * may have been made.
   */
  transaction<T> (work: (tx: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>

  /** Tells all processes on this database, this one included, once the transaction is committed. `text` has 4,000 bytes at most. */
  notify (tx: Sql, channel: string, text: string): Promise<void>
  /** `null`: something may have been missed; take everything as changed. Returns the function that ends it. */
  listen (channel: string, listener: (text: string | null) => void): () => void

  /**
   * Unix milliseconds on the clock that all peers of this database share: for what one peer writes and others compare with (leases,
   * expiry).
   */
  now (): number
  /** The UUID that the database was given when it was made. After `start`. */
  serviceId (): string

  /**
   * The rows of one user in `files` or `pins` (not under another name) that fit: a condition that takes the place of `where('user_id', '=',
   * user)`. Asks the database how many there are, to choose between going through these and going through all in the order of the list; so
   * it belongs to one query, and that has an order and a limit.
   */
  matching (table: 'files' | 'pins', user: string, search: Search): Promise<Condition>
}

/** How names are compared without regard to case; what `name_key` holds. */
export const folded = (name: string): string => name.toLowerCase()
