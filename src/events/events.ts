/** What an event tells, ready for JSON. Small: names are cut (`shortText`), and nothing in it is secret to who may read the event. */
export type EventData = Readonly<Record<string, unknown>>

/** Something that has happened. */
export interface LoggedEvent {
  /** Its place in its log: whoever has read up to here goes on behind it. Opaque. */
  readonly id: string
  /** Unix milliseconds. */
  readonly at: number
  /** `pin.status`, `peer.down`, …: the thing and what became of it. */
  readonly type: string
  readonly data: EventData
}

/** Some events of a log, in its order. */
export interface EventBatch {
  readonly events: readonly LoggedEvent[]
  /** Events before these are gone from the log unread: whoever keeps something by them reads it anew. */
  readonly missed: boolean
  /** The place behind the batch. */
  readonly last: string
  /** There was more behind it when it was made. */
  readonly hasMore: boolean
}

export interface FollowOptions {
  /** `id` of the last event that was read, or `oldest`: all that the log still has. Absent: from now on. */
  after?: string | undefined
  /** Ends the iteration. */
  signal: AbortSignal
}

/**
 * A bounded log of events that many read at their own pace.
 *
 * - The first batch comes at once, even when it is empty: it tells where one is. Each further one comes when there is something, in the
 *   order of the log.
 * - Nothing is kept for a reader but its place. Whoever is so slow that the log has let go of what comes next gets `missed` and goes on
 *   with what is there; so does whoever comes with a place that this log doesn't know.
 * - Events that follow each other closely come together: the more readers there are, the longer the first of a batch waits (milliseconds by
 *   their number), so that the work doesn't grow with readers times events.
 * - The iteration ends when the signal aborts or the log is closed; RATE_LIMITED when there are too many readers.
 */
export interface EventFeed {
  follow (options: FollowOptions): AsyncIterable<EventBatch>
}

/** In the place of an id: before the oldest event that is kept. */
export const oldestPlace = 'oldest'

const longestText = 256

/** A name or an error as it may stand in an event. */
export const shortText = (text: string): string => text.length <= longestText ? text : `${text.slice(0, longestText - 1).toWellFormed()}…`

/** Whether a type is one of these: itself, or what it is about (`pin` stands for `pin.status`). Empty: all are. */
export function isWanted (type: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some(one => type === one || type.startsWith(`${one}.`))
}

/** The JSON of an event, the same in streams and in webhooks. */
export const eventJson = ({ id, at, type, data }: LoggedEvent): Record<string, unknown> => ({
  id, type, at: new Date(at).toISOString(), data
})
