import type { Startable } from '../../base/lifecycle.ts'
import type { EventBatch, EventData, FollowOptions } from '../../events/events.ts'
import type { Sql } from '../sql/sql.ts'

/** What can happen to a user's things. */
export const userEventTypes = [
  'file.created', 'file.changed', 'file.status', 'file.deleted',
  'pin.created', 'pin.changed', 'pin.status', 'pin.deleted',
  'task.created', 'task.status', 'task.progress'
] as const
/** What users' events and webhooks are about. */
export type UserEventType = typeof userEventTypes[number]

/** An event before it has a number and a time. */
export interface NewUserEvent { user: string, type: UserEventType, data: EventData }

/**
 * What has happened to each user's files, pins and tasks: a bounded log for each, in the database, so that every peer on it has the same.
 *
 * - An event is written in the transaction of what it tells: neither happens without the other. Its number is the next of its user, so the
 *   order is that of the transactions and there are no gaps.
 * - The newest thousand of each user are kept, for a week.
 * - Readers on every peer are told when the transaction is committed.
 */
export interface UserEvents extends Startable {
  record (tx: Sql, events: readonly NewUserEvent[]): Promise<void>
  /** As `EventFeed`, of one user. RATE_LIMITED when this user has too many readers on this peer. Ends when `endReaders` is called, too. */
  follow (user: string, options: FollowOptions): AsyncIterable<EventBatch>
  /** The rights of this user (null: of any) may have changed: readers come again, and are asked again who they are. */
  endReaders (user: string | null): void
}
