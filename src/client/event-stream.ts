import { LineCutter } from '../base/text/line-cutter.ts'

/** Something that has happened. `type` says what: docs/reference. */
export interface ClusterEvent<Data = Record<string, unknown>> {
  /** Whoever has read up to here goes on behind it, with `after`. */
  id: string
  type: string
  /** ISO 8601, UTC. */
  at: string
  data: Data
}

/**
 * One message of a stream of events. `ready` is the first: from here on nothing is left out; `missed`: what came before is gone from the
 * log (at the beginning: since the `after` that was given), so read anew what you keep. `beat`: the other side is still there.
 */
export type StreamMessage =
  | { kind: 'ready', id: string | null, missed: boolean }
  | { kind: 'missed' }
  | { kind: 'place', id: string }
  | { kind: 'beat' }
  | { kind: 'event', event: ClusterEvent }

/** What a stream of events may be asked for. */
export interface EventsQuery {
  /** `id` of the last event that was read, or `oldest`: all that is kept. Default: from now on. */
  after?: string
  /** Types, or what they are about; default: all. */
  types?: readonly string[]
  /** false: it ends behind what there is now. */
  wait?: boolean
}

/** The path of a stream of events. `after`: the last one that was seen; `wait`: whether it goes on when all are told. */
export function eventsPath (path: string, { after, types = [], wait = true }: EventsQuery): string {
  const query = new URLSearchParams({
    ...(after == null ? {} : { after }), ...(types.length === 0 ? {} : { types: types.join(',') }), ...(wait ? {} : { wait: 'false' })
  }).toString()
  return query === '' ? path : `${path}?${query}`
}

/** The messages of a `text/event-stream`, as they arrive. Ends with the stream. */
export async function * messagesOf (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamMessage, void, undefined> {
  const decoder = new TextDecoder()
  const cutter = new LineCutter()
  let fields: Fields = {}
  for await (const chunk of chunks) {
    for (const line of cutter.push(decoder.decode(chunk, { stream: true }))) {
      if (line.startsWith(':')) yield { kind: 'beat' }
      else if (line !== '') fields = withField(fields, line)
      else {
        const message = messageOf(fields)
        fields = {}
        if (message != null) yield message
      }
    }
  }
}

/** The events of an event stream's bytes, without its keep-alives and the messages that it begins and ends with. */
export async function * eventsOf (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ClusterEvent, void, undefined> {
  for await (const message of messagesOf(chunks)) if (message.kind === 'event') yield message.event
}

interface Fields { id?: string, event?: string, data?: string }

function withField (fields: Fields, line: string): Fields {
  const colon = line.indexOf(':')
  const name = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (name === 'data') return { ...fields, data: fields.data == null ? value : `${fields.data}\n${value}` }
  return name === 'id' || name === 'event' ? { ...fields, [name]: value } : fields
}

function messageOf ({ id, event, data }: Fields): StreamMessage | null {
  if (event === 'ready') {
    return { kind: 'ready', id: id ?? null, missed: (JSON.parse(data ?? '{}') as { missed?: boolean }).missed === true }
  }
  if (event === 'missed') return { kind: 'missed' }
  if (data != null) return { kind: 'event', event: JSON.parse(data) as ClusterEvent }
  return id == null ? null : { kind: 'place', id }
}
