import { ClusterError } from '../../base/errors.ts'
import { parseCid } from '../../model/cid.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { trackerStatuses } from '../../model/status.ts'
import type { StatusChange, StatusesFrom, StatusNews } from '../remote-statuses.ts'

/** A message of the stream: news, or why there are none. */
export type StatusMessage = StatusNews | { refusal: Refusal }
export type Refusal = typeof refusals[number]

const refusals = ['NOT_AUTHORIZED', 'RATE_LIMITED'] as const
const mostChanges = 1000
const longestError = 1024
const longestPlace = 64

/** A message of changed statuses as JSON, one frame of the stream (docs/design/wire/statuses.md). */
export const encodeStatusMessage = (message: StatusMessage): Uint8Array => bytesOf(message)

/** Reads what another peer wrote. Throws INVALID_DATA. */
export function decodeStatusMessage (bytes: Uint8Array): StatusMessage {
  return read(bytes, ({ refusal, changes, missed, place }) => {
    if (refusal != null) return { refusal: wordOf(refusals, refusal) }
    if (!Array.isArray(changes) || changes.length > mostChanges || typeof missed !== 'boolean') throw new TypeError('not a list')
    return { changes: changes.map(one => changeOf(fieldsOf(one))), missed, place: textOf(place, longestPlace) }
  })
}

/** What a follower asks for: statuses behind this one, or since this time. */
export const encodeStatusesFrom = ({ after, sinceMs }: StatusesFrom): Uint8Array => bytesOf({ after, since_ms: sinceMs })

/** Throws INVALID_DATA. */
export function decodeStatusesFrom (bytes: Uint8Array): StatusesFrom {
  return read(
    bytes,
    ({ after, since_ms: sinceMs }) => ({ ...(after == null ? {} : { after: textOf(after, longestPlace) }), sinceMs: countOf(sinceMs) })
  )
}

type Fields = Readonly<Record<string, unknown>>

const statusNames = (Object.keys(trackerStatuses) as TrackerStatus[]).filter(name => name !== 'undefined')

const changeOf = ({ cid, status, error, attempts, agoMs }: Fields): StatusChange => ({
  cid: parseCid(textOf(cid, longestError)).toString(),
  status: wordOf(statusNames, status),
  error: textOf(error, longestError),
  attempts: countOf(attempts),
  agoMs: countOf(agoMs)
})

function read<T> (bytes: Uint8Array, make: (fields: Fields) => T): T {
  try {
    return make(fieldsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))))
  } catch (err) {
    throw new ClusterError('INVALID_DATA', {}, { message: 'not news of pins', cause: err })
  }
}

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

function fieldsOf (value: unknown): Fields {
  if (typeof value !== 'object' || value == null || Array.isArray(value)) throw new TypeError('not an object')
  return value as Fields
}

function textOf (value: unknown, longest: number): string {
  if (typeof value !== 'string' || value.length > longest) throw new TypeError('not a text')
  return value
}

/** Also what a time can be. */
function countOf (value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > 8.64e15) throw new TypeError('not a count')
  return value
}

function wordOf<T extends string> (known: readonly T[], value: unknown): T {
  const found = known.find(one => one === value)
  if (found == null) throw new TypeError('not one of the known words')
  return found
}
