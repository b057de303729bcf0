import { badRequest, orBadRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'
import { parseCid } from '../../model/cid.ts'
import {
  isTooLong, knownWords, largestLimit, mostCids, nameMatches, pageLength, pinningStatuses, textsOfList
} from '../../model/pinning-service.ts'
import type { NameMatch, PinningStatus } from '../../model/pinning-service.ts'
import type { Time } from '../../model/time.ts'
import { parseTime } from '../../model/time.ts'
import type { PinQuery } from '../../pinindex/pinindex.ts'
import { stringMap } from './json-fields.ts'

/**
 * Reads the options of `GET /pins` (Pinning Service API 1.0.0); 400 for the first that is wrong. An empty value is none. Lists come with
 * commas or by repeating the option.
 *
 * Without `status` only pinned ones count, unless a `name` is given: the specification's own compliance suite wants a pin found by its name
 * as soon as it is accepted. With `cid` every status counts, whatever `status` says, as in Go.
 */
export function parseListQuery (query: Query): PinQuery {
  const cids = parseCids(textsOfList(query.all('cid')))
  const name = parseName(query)
  const statuses = parseStatuses(textsOfList(query.all('status')))
  const before = parseMoment(query, 'before')
  const after = parseMoment(query, 'after')
  const metadata = parseMetadata(query.get('meta'))
  return {
    statuses: cids.length > 0 ? pinningStatuses : statuses ?? (name == null ? ['pinned'] : pinningStatuses),
    limit: parseLimit(query.get('limit')),
    ...(cids.length > 0 ? { cids } : {}),
    ...(name == null ? {} : { name }),
    ...(before == null ? {} : { before }),
    ...(after == null ? {} : { after }),
    ...(metadata == null ? {} : { metadata })
  }
}

function parseCids (texts: readonly string[]): string[] {
  if (texts.length > mostCids) throw badRequest(`error decoding 'cid' query param: more than ${mostCids} CIDs`)
  return texts.map(text => orBadRequest(() => parseCid(text), 'error decoding \'cid\' query param').toString())
}

function parseStatuses (texts: readonly string[]): readonly PinningStatus[] | undefined {
  const known = knownWords(pinningStatuses, texts)
  if (known == null) throw badRequest('error decoding \'status\' query param: no valid filter')
  return known.length === 0 ? undefined : known
}

function parseName (query: Query): { text: string, match: NameMatch } | undefined {
  const text = query.get('name')
  const given = query.get('match') || 'exact'
  const match = nameMatches.find(one => one === given)
  if (match == null) {
    throw badRequest(`error decoding 'match' query param: ${given.slice(0, 100)}: must be one of ${nameMatches.join(', ')}`)
  }
  if (isTooLong(text)) throw badRequest('error in \'name\' query param: longer than 255 chars')
  return text === '' ? undefined : { text, match }
}

/** A `+` of an offset that wasn't escaped has become a blank. */
function parseMoment (query: Query, name: string): Time | undefined {
  const text = query.get(name)
  return text === ''
    ? undefined
    : orBadRequest(() => parseTime(text.replace(' ', '+')), `error decoding '${name}' query param: ${text.slice(0, 100)}`)
}

function parseLimit (text: string): number {
  const limit = pageLength(text)
  if (limit == null) {
    throw badRequest(`error parsing 'limit' query param: ${text.slice(0, 100)}: must be a number from 1 to ${largestLimit}`)
  }
  return limit
}

function parseMetadata (text: string): Record<string, string> | undefined {
  if (text === '') return undefined
  return orBadRequest(() => stringMap(JSON.parse(text)), `error unmarshalling 'meta' query param: ${text.slice(0, 100)}`)
}
