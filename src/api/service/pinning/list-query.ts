import { badRequest, orBadRequest } from '../../../http/error-dialect.ts'
import { parseCid } from '../../../model/cid.ts'
import {
  isTooLong, knownWords, largestLimit, longestName, mostCids, nameMatches, pageLength, pinningStatuses, textsOfList
} from '../../../model/pinning-service.ts'
import type { NameMatch, PinningStatus } from '../../../model/pinning-service.ts'
import { parseTime } from '../../../model/time.ts'
import type { PinFilter } from '../../../service/pins/pins.ts'
import { invalidTextReason } from '../invalid-text.ts'
import type { ListQuery } from './schemas.ts'

/**
 * Reads the options of a list of pins; 400 for the first that is wrong. An empty value is none; without statuses only what is pinned
 * counts. `strict`: with a name, all do: the specification's test suite wants a pin found by its name as soon as it is accepted.
 */
export function readListQuery (query: ListQuery, { strict = false }: { strict?: boolean } = {}): { filter: PinFilter, limit: number } {
  const cids = cidsOf(textsOf(query.cid))
  const name = nameOf(query)
  const before = momentOf(query.before, 'before')
  const after = momentOf(query.after, 'after')
  const meta = metaOf(query.meta)
  const filter = {
    statuses: statusesOf(textsOf(query.status)) ?? (strict && name != null ? pinningStatuses : ['pinned' as const]),
    ...(cids.length === 0 ? {} : { cids }),
    ...(name == null ? {} : { name }),
    ...(before == null ? {} : { before }),
    ...(after == null ? {} : { after }),
    ...(meta == null ? {} : { meta })
  }
  return { filter, limit: limitOf(query.limit) }
}

const textsOf = (value: string | string[] | undefined): string[] => textsOfList([value ?? []].flat())

function cidsOf (texts: readonly string[]): string[] {
  if (texts.length > mostCids) throw badRequest(`cid: more than ${mostCids} CIDs`)
  return texts.map(text => orBadRequest(() => parseCid(text).toString(), 'cid'))
}

function statusesOf (texts: readonly string[]): readonly PinningStatus[] | undefined {
  const known = knownWords(pinningStatuses, texts)
  if (known == null) throw badRequest(`status: must be some of ${pinningStatuses.join(', ')}`)
  return known.length === 0 ? undefined : known
}

function nameOf ({ name: text = '', match: given }: ListQuery): { text: string, match: NameMatch } | undefined {
  const match = nameMatches.find(one => one === (given == null || given === '' ? 'exact' : given))
  if (match == null) throw badRequest(`match: must be one of ${nameMatches.join(', ')}`)
  if (isTooLong(text)) throw badRequest(`name: longer than ${longestName} characters`)
  return text === '' ? undefined : { text, match }
}

/** A `+` of an offset that wasn't escaped has become a blank. */
function momentOf (text: string | undefined, what: string): number | undefined {
  return text == null || text === '' ? undefined : orBadRequest(() => parseTime(text.replace(' ', '+')), what)
}

function limitOf (text: string | undefined): number {
  const limit = pageLength(text)
  if (limit == null) throw badRequest(`limit: must be a number from 1 to ${largestLimit}`)
  return limit
}

function metaOf (text: string | undefined): Record<string, string> | undefined {
  if (text == null || text === '') return undefined
  return orBadRequest(() => textPairs(JSON.parse(text)), 'meta')
}

function textPairs (value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value == null || Array.isArray(value)) throw new TypeError('must be an object of texts')
  const pairs = Object.entries(value)
  if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string')) throw new TypeError('must be an object of texts')
  const reason = invalidTextReason(value)
  if (reason != null) throw new TypeError(reason)
  return Object.fromEntries(pairs)
}
