import { badRequest, orBadRequest } from '../../../http/error-dialect.ts'
import { parseCid } from '../../../model/cid.ts'
import { parseTime } from '../../../model/time.ts'
import type { PinningState } from '../../../service/clusterpins/cluster-pins.ts'
import type { NameMatch, PinFilter } from '../../../service/pins/pins.ts'
import { nameMatches } from '../../../service/pins/pins.ts'
import { tenantPinStatuses } from '../../../service/sql/tables.ts'
import type { ListQuery } from './schemas.ts'
import { largestLimit, longestName, mostCids } from './schemas.ts'

const defaultLimit = 10

/**
 * Reads the options of a list of pins; 400 for the first that is wrong. An empty value is none; without statuses only what is pinned
 * counts. `strict`: with a name, all do: the specification's test suite wants a pin found by its name as soon as it is accepted.
 */
export function readListQuery (query: ListQuery, { strict = false }: { strict?: boolean } = {}): { filter: PinFilter, limit: number } {
  const cids = cidsOf(listOf(query.cid))
  const name = nameOf(query)
  const before = momentOf(query.before, 'before')
  const after = momentOf(query.after, 'after')
  const meta = metaOf(query.meta)
  const filter = {
    statuses: statusesOf(listOf(query.status)) ?? (strict && name != null ? tenantPinStatuses : ['pinned' as const]),
    ...(cids.length === 0 ? {} : { cids }),
    ...(name == null ? {} : { name }),
    ...(before == null ? {} : { before }),
    ...(after == null ? {} : { after }),
    ...(meta == null ? {} : { meta })
  }
  return { filter, limit: limitOf(query.limit) }
}

const listOf = (value: string | string[] | undefined): string[] =>
  [value ?? []].flat().flatMap(text => text.split(',')).filter(text => text !== '')

function cidsOf (texts: readonly string[]): string[] {
  if (texts.length > mostCids) throw badRequest(`cid: more than ${mostCids} CIDs`)
  return texts.map(text => orBadRequest(() => parseCid(text).toString(), 'cid'))
}

const isOneOf = <T extends string>(all: readonly T[], text: string): text is T => (all as readonly string[]).includes(text)

function statusesOf (texts: readonly string[]): readonly PinningState[] | undefined {
  const known = texts.filter(text => isOneOf(tenantPinStatuses, text))
  if (known.length < texts.length) throw badRequest(`status: must be some of ${tenantPinStatuses.join(', ')}`)
  return known.length === 0 ? undefined : known
}

function nameOf ({ name: text = '', match }: ListQuery): { text: string, match: NameMatch } | undefined {
  const way = match == null || match === '' ? 'exact' : match
  if (!isOneOf(nameMatches, way)) throw badRequest(`match: must be one of ${nameMatches.join(', ')}`)
  if (text.length > longestName && [...text].length > longestName) throw badRequest(`name: longer than ${longestName} characters`)
  return text === '' ? undefined : { text, match: way }
}

/** A `+` of an offset that wasn't escaped has become a blank. */
function momentOf (text: string | undefined, what: string): number | undefined {
  return text == null || text === '' ? undefined : orBadRequest(() => parseTime(text.replace(' ', '+')), what)
}

function limitOf (text: string | undefined): number {
  if (text == null || text === '') return defaultLimit
  const limit = Number(text)
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > largestLimit) throw badRequest(`limit: must be a number from 1 to ${largestLimit}`)
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
  if (pairs.flat().some(one => one.includes('\0'))) throw new TypeError('a text has the character U+0000')
  return Object.fromEntries(pairs)
}
