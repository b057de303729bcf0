import type { Clock } from '../base/clock.ts'
import { orLate } from '../base/clock.ts'
import type { EventBatch, EventFeed } from './events.ts'
import { eventJson, isWanted } from './events.ts'

export interface EventStreamOptions {
  /** As in `FollowOptions`. */
  after?: string | undefined
  /** Types, or what they are about. Empty or absent: all. */
  types?: readonly string[]
  /** false: the stream ends behind what there is now. Default: true. */
  waits?: boolean
  /** Something is sent at least this often. Default 15 s. */
  heartbeatMs?: number
  /** The stream ends after this long: who listens comes again, and is asked again who they are. Default 10 min. */
  lifeMs?: number
  signal: AbortSignal
}

export interface EventStreamDeps { feed: EventFeed, clock: Clock }

const usualHeartbeatMs = 15_000
const usualLifeMs = 600_000
const retryMs = 2000
const beat = Buffer.from(':\n\n')

/**
 * Events as `text/event-stream`, in pieces that are each whole messages. The first is `ready`, with the place in its id and `missed` in its
 * data; `missed` comes again when this reader was too slow. A piece is made once for all who read it at once; nothing is read ahead of who
 * takes the pieces.
 */
export async function * eventStream (
  options: EventStreamOptions, { feed, clock }: EventStreamDeps
): AsyncGenerator<Uint8Array, void, undefined> {
  const { after, types = [], waits = true, heartbeatMs = usualHeartbeatMs, lifeMs = usualLifeMs, signal } = options
  const end = new AbortController()
  const stop = (): void => end.abort()
  signal.addEventListener('abort', stop, { once: true })
  const cancelEnd = clock.after(lifeMs, stop)
  const batches = feed.follow({ after, signal: end.signal })[Symbol.asyncIterator]()
  try {
    for (let next = batches.next(), isFirst = true; ;) {
      const heard = await orLate(next, { clock, ms: heartbeatMs })
      if (heard === 'late') {
        yield beat
        continue
      }
      if (heard.done === true) return
      yield isFirst ? firstPiece(heard.value, types) : pieceOf(heard.value, types)
      if (!waits && !heard.value.hasMore) return
      isFirst = false
      next = batches.next()
    }
  } finally {
    cancelEnd()
    signal.removeEventListener('abort', stop)
    end.abort()
    await batches.return?.()
  }
}

const firstPiece = (batch: EventBatch, types: readonly string[]): Uint8Array => {
  // where the reader stood: events of the same piece move it on
  const place = batch.events.length === 0 ? `id: ${batch.last}\n` : ''
  return Buffer.concat([Buffer.from(`retry: ${retryMs}\n${place}event: ready\ndata: {"missed":${batch.missed}}\n\n`), textOf(batch, types)])
}

const pieces = new WeakMap<readonly unknown[], Map<string, Buffer>>()

function pieceOf (batch: EventBatch, types: readonly string[]): Uint8Array {
  const text = textOf(batch, types)
  return batch.missed ? Buffer.concat([Buffer.from('event: missed\ndata: {}\n\n'), text]) : text
}

/** Of all that was not wanted only the place is told. */
function textOf ({ events, last }: EventBatch, types: readonly string[]): Buffer {
  const known = pieces.get(events) ?? new Map<string, Buffer>()
  const key = types.join(',')
  const made = known.get(key) ?? Buffer.from(messages(events, { types, last }))
  pieces.set(events, known.set(key, made))
  return made
}

function messages (events: EventBatch['events'], { types, last }: { types: readonly string[], last: string }): string {
  const wanted = types.length === 0 ? events : events.filter(({ type }) => isWanted(type, types))
  const text = wanted.map(event => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(eventJson(event))}\n\n`).join('')
  return wanted.length > 0 && wanted.at(-1)?.id === last ? text : events.length === 0 ? text : `${text}id: ${last}\n\n`
}
