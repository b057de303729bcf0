import { parseCid } from '../../model/cid.ts'
import type { TrackerStatus } from '../../model/status.ts'
import { trackerStatuses } from '../../model/status.ts'
import { countOf, fieldsOf, jsonBytes, listOf, readForeignJson, textOf, wordOf } from '../../wire/foreign-json.ts'
import type { Fields } from '../../wire/foreign-json.ts'
import type { StatusChange, StatusesFrom, StatusNews } from '../remote-statuses.ts'

/** A message of the stream: news, or why there are none. */
export type StatusMessage = StatusNews | { refusal: Refusal }
/** Why no news come: the asker isn't trusted, or asks too often. */
export type Refusal = typeof refusals[number]

const refusals = ['NOT_AUTHORIZED', 'RATE_LIMITED'] as const
const mostChanges = 1000
const longestError = 1024
const longestPlace = 64
const notNews = 'not news of pins'

/** A message of changed statuses as JSON, one frame of the stream (docs/design/wire/statuses.md). */
export const encodeStatusMessage = (message: StatusMessage): Uint8Array => jsonBytes(message)

/** Reads what another peer wrote. Throws INVALID_DATA. */
export function decodeStatusMessage (bytes: Uint8Array): StatusMessage {
  return readForeignJson(bytes, notNews, ({ refusal, changes, missed, place }) => {
    if (refusal != null) return { refusal: wordOf(refusals, refusal) }
    if (typeof missed !== 'boolean') throw new TypeError('not a list')
    return { changes: listOf(changes, mostChanges, one => changeOf(fieldsOf(one))), missed, place: textOf(place, longestPlace) }
  })
}

/** What a follower asks for: statuses behind this one, or since this time. */
export const encodeStatusesFrom = ({ after, sinceMs }: StatusesFrom): Uint8Array => jsonBytes({ after, since_ms: sinceMs })

/** Throws INVALID_DATA. */
export function decodeStatusesFrom (bytes: Uint8Array): StatusesFrom {
  return readForeignJson(bytes, notNews, ({ after, since_ms: sinceMs }) =>
    ({ ...(after == null ? {} : { after: textOf(after, longestPlace) }), sinceMs: countOf(sinceMs) }))
}

const statusNames = (Object.keys(trackerStatuses) as TrackerStatus[]).filter(name => name !== 'undefined')

const changeOf = ({ cid, status, error, attempts, agoMs }: Fields): StatusChange => ({
  cid: parseCid(textOf(cid, longestError)).toString(),
  status: wordOf(statusNames, status),
  error: textOf(error, longestError),
  attempts: countOf(attempts),
  agoMs: countOf(agoMs)
})
