import { badRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'
import type { AddParams } from '../../model/add.ts'
import type { Time } from '../../model/time.ts'
import { booleanParam } from './boolean-param.ts'
import { parseInteger, parsePinOptions } from './pin-options.ts'

const defaults = { chunker: 'size-262144', hash: 'sha2-256' }

/**
 * Reads the query of `/add` (api/add.go); 400 with Go's texts. Names of chunkers and hashes are checked later, by the importer. Added
 * content is always pinned recursively, and `pin-update` means nothing here.
 */
export function parseAddParams (query: Query, now: Time): AddParams {
  const pin = { ...parsePinOptions(query, now), mode: 'recursive' as const, pinUpdate: null }
  const layout = oneOf(query, 'layout', ['', 'balanced', 'trickle'])
  const format = oneOf(query, 'format', ['', 'unixfs', 'car'])
  const flag = (name: string, whenMissing = false): boolean => booleanParam(query, name, whenMissing)
  const local = flag('local')
  for (const ignored of ['recursive', 'hidden']) flag(ignored)
  const wrap = flag('wrap-with-directory')
  const shard = flag('shard')
  const progress = flag('progress')
  const cidVersion = parseInteger(query.get('cid-version'), 'cid-version')
  return {
    pin,
    layout,
    chunker: query.get('chunker') || defaults.chunker,
    hash: query.get('hash').toLowerCase() || defaults.hash,
    format: format === 'car' ? 'car' : 'unixfs',
    local,
    wrap,
    shard,
    progress,
    cidVersion,
    rawLeaves: flag('raw-leaves', cidVersion > 0),
    streamChannels: flag('stream-channels', true),
    noCopy: flag('nocopy'),
    noPin: flag('no-pin')
  }
}

function oneOf<T extends string> (query: Query, name: string, allowed: readonly T[]): T {
  const value = allowed.find(one => one === query.get(name))
  if (value == null) throw badRequest(`${name} parameter is invalid`)
  return value
}
