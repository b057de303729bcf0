import { parseDuration } from '../../base/text/duration.ts'
import { badRequest, orBadRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'
import type { CID, MultiaddrText } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import { multiaddrText, parseMultiaddr } from '../../model/multiaddr.ts'
import { limitKeys, whyNoLimit } from '../../model/pin-limits.ts'
import type { PinOptions } from '../../model/pin.ts'
import { defaultPinOptions } from '../../model/pin.ts'
import type { Time } from '../../model/time.ts'
import { parseTime, zeroTime } from '../../model/time.ts'
import { tryPeerId } from './peer-id.ts'

const minExpireInMs = 1000

/**
 * Reads `name`, `mode`, `replication-min` … (api/types.go) in Go's order; the first that is wrong is a 400 with Go's text. `now` in Unix
 * ms.
 */
export function parsePinOptions (query: Query, now: Time): PinOptions {
  if (query.raw === '') return defaultPinOptions()
  const [replicationFactorMin, replicationFactorMax] = parseReplication(query)
  const shardSize = parseShardSize(query.get('shard-size'))
  const expireAt = parseExpiry(query, now)
  const options: PinOptions = {
    replicationFactorMin,
    replicationFactorMax,
    name: query.get('name'),
    mode: query.get('mode') === 'direct' ? 'direct' : 'recursive',
    shardSize,
    userAllocations: commaList(query.get('user-allocations')).map(tryPeerId).filter(peer => peer != null),
    expireAt,
    metadata: parseMetadata(query),
    pinUpdate: parsePinUpdate(query.get('pin-update')),
    origins: commaList(query.get('origins')).map(parseOrigin)
  }
  refuseBytes(options)
  return options
}

/** Names and metadata are UTF-8 in the pinset. */
function refuseBytes ({ name, metadata }: PinOptions): void {
  let isText = name.isWellFormed()
  for (const key in metadata) isText &&= key.isWellFormed() && metadata[key]?.isWellFormed() === true
  if (!isText) throw badRequest('string field contains invalid UTF-8')
}

const commaList = (text: string): string[] => text === '' ? [] : text.split(',')

function parseReplication (query: Query): [min: number, max: number] {
  // with `replication` Go sets both others, so their names are in the text
  const both = query.get('replication')
  return [
    parseInteger(both || query.get('replication-min'), 'replication-min'),
    parseInteger(both || query.get('replication-max'), 'replication-max')
  ]
}

/** Go's strconv.Atoi; '' is 0. 400 "parameter <name> invalid". */
export function parseInteger (text: string, name: string): number {
  if (text === '') return 0
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) throw badRequest(`parameter ${name} invalid`)
  return value
}

function parseShardSize (text: string): number {
  if (text === '') return 0
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw badRequest('parameter shard_size is invalid')
  return value
}

/** `expire-at` wins; `expire-in` isn't looked at then. */
function parseExpiry (query: Query, now: Time): Time {
  const at = query.get('expire-at')
  if (at !== '') return orBadRequest(() => parseTime(at), 'expire-at cannot be parsed')
  const text = query.get('expire-in')
  if (text === '') return zeroTime
  const ms = orBadRequest(() => parseDuration(text), 'expire-in cannot be parsed')
  if (ms < minExpireInMs) throw badRequest('expire-in duration too short')
  if (now + ms > latestTime) throw badRequest(`expire-in cannot be parsed: time: invalid duration ${JSON.stringify(text)}`)
  return now + ms
}

/** The end of year 9999: later times can't be written in RFC 3339. */
const latestTime = 253_402_300_799_999

function parseMetadata (query: Query): Record<string, string> {
  const metadata: Record<string, string> = {}
  // most have none; `%`: names may be encoded
  if (!/meta-|max-|%/.test(query.raw)) return metadata
  for (const [name, value] of query.entries()) {
    // defineProperty: "__proto__" is a key like any other
    if (name.startsWith('meta-') && name.length > 5) {
      Object.defineProperty(metadata, name.slice(5), { value, enumerable: true, writable: true, configurable: true })
    }
  }
  return Object.assign(metadata, parseLimits(query))
}

/** `max-size` and `max-blocks`, which are metadata; also given as such they have to be what they are called. */
function parseLimits (query: Query): Record<string, string> {
  const given = Object.values(limitKeys).flatMap(key => [query.get(key), query.get(`meta-${key}`)].filter(text => text !== '').map(
    text => ({ key, text })
  ))
  for (const { key, text } of given) {
    const wrong = whyNoLimit(key, text)
    if (wrong != null) throw badRequest(wrong)
  }
  return Object.fromEntries(given.toReversed().map(({ key, text }) => [key, text]))
}

function parsePinUpdate (text: string): CID | null {
  return text === '' ? null : orBadRequest(() => parseCid(text), 'error decoding update option parameter')
}

/** A multiaddr that names a peer, in its canonical text. */
function parseOrigin (text: string): MultiaddrText {
  const address = orBadRequest(() => parseMultiaddr(text), 'error decoding multiaddress')
  if (!address.getComponents().some(component => component.name === 'p2p')) {
    throw badRequest('multiaddress does not contain peer ID: protocol not found in multiaddr')
  }
  return multiaddrText(address)
}

/** The CID of a parameter. Throws a 400 whose text begins with Go's "error decoding Cid". */
export const cidParameter = (text: string): CID => orBadRequest(() => parseCid(text), 'error decoding Cid')

const expireAtPattern = /^(.{19})(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/

/**
 * How Go prints the `expire-at` that it was given: with the offset of the request, up to nine fraction digits. Undefined when there was
 * none.
 */
export function givenExpireAt (query: Query): { time: Time, text: string } | undefined {
  const given = query.get('expire-at')
  const match = expireAtPattern.exec(given)
  if (match == null) return undefined
  const [, seconds = '', digits = '', offset = 'Z'] = match
  const fraction = digits.slice(0, 9).replace(/0+$/, '')
  const zone = /^[+-]00:00$/.test(offset) ? 'Z' : offset
  return { time: parseTime(given), text: `${seconds}${fraction === '' ? '' : `.${fraction}`}${zone}` }
}
