import { ClusterError, messageOf } from '../base/errors.ts'
import { isMultiaddr } from '../config/multiaddr-text.ts'
import { normalPeerId } from '../config/peer-id-text.ts'
import { CID, parseCid } from '../model/cid.ts'
import type { PeerId } from '../model/cid.ts'
import { depthOfMode, isEverywhere, modeOfDepth, pinTypes } from '../model/pin.ts'
import type { Pin, PinDepth, PinType } from '../model/pin.ts'
import { formatTime, parseTime, zeroTime } from '../model/time.ts'
import type { Time } from '../model/time.ts'

/** Replication factors of a pin: -1 both (everywhere), or 1 <= min <= max. */
export interface Factors { min: number, max: number }

/** What an imported pin becomes where its line leaves something open. */
export interface ImportRules {
  /** For pins that don't say: the configured ones. */
  factors: Factors
  /** Who gets a pin that needs peers and names none: this peer. */
  self: PeerId
  /** What the command line says, for every pin but the DAGs of shards, which are everywhere. Absent: nothing. */
  min?: number
  max?: number
  allocations?: PeerId[]
}

const everywhere: Factors = { min: -1, max: -1 }
const zeroTimeText = formatTime(zeroTime)
const largestInt32 = 2 ** 31 - 1

/** Throws INVALID_ARGUMENT when the rules themselves make no pair of factors. */
export function checkRules ({ min, max }: ImportRules): void {
  for (const [name, value] of [['--replication-min', min], ['--replication-max', max]] as const) {
    if (value != null && (!Number.isSafeInteger(value) || value < -1)) {
      throw invalid(`${name}: must be -1 (everywhere) or a number of peers`)
    }
  }
  if (min != null && max != null && !isPair({ min, max })) {
    throw invalid('--replication-min: must be at most --replication-max, and -1 exactly when that is -1')
  }
}

/**
 * The pin in one JSON object of an export. What is missing (absent, null, 0 for factors) gets defaults: type `pin`, the whole DAG, the
 * configured factors; unknown keys are ignored. Throws INVALID_ARGUMENT naming the key at fault.
 */
export function importedPin (json: unknown, rules: ImportRules): Pin {
  const object = new Fields(json)
  const type = typeOf(object)
  const isDag = type === 'clusterdag-pin'
  const given = givenFactors(object, isDag ? everywhere : rules.factors)
  const factors = isDag ? given : completed({ min: rules.min, max: rules.max }, given)
  const maxDepth = depthOf(object, type)
  const pin: Pin = {
    replicationFactorMin: factors.min,
    replicationFactorMax: factors.max,
    name: object.text('name', ''),
    mode: modeOfDepth(maxDepth),
    shardSize: object.integer('shard_size', { fallback: 0, from: 0, to: Number.MAX_SAFE_INTEGER }),
    userAllocations: [],
    expireAt: object.time('expire_at'),
    metadata: object.texts('metadata'),
    pinUpdate: object.cid('pin_update'),
    origins: object.list('origins', text => isMultiaddr(text) ? text : undefined, 'multiaddresses'),
    cid: object.cid('cid') ?? wrong('cid', 'must be there'),
    type,
    allocations: object.list('allocations', peerOf, 'peer IDs'),
    maxDepth,
    reference: object.cid('reference'),
    timestamp: object.time('timestamp')
  }
  return isDag ? pin : { ...pin, allocations: allocationsOf(pin, rules) }
}

/** An everywhere pin made by the command line has none; a pin that needs peers has at least this one, or nobody would ever hold it. */
function allocationsOf (pin: Pin, { allocations, min, max, self }: ImportRules): PeerId[] {
  if (isEverywhere(pin)) return min === -1 || max === -1 ? [] : allocations ?? pin.allocations
  const wanted = allocations ?? pin.allocations
  return wanted.length === 0 && pin.type !== 'meta-pin' ? [self] : wanted
}

/** Go's `bad-type` is what its own import makes of a missing type. */
function typeOf (object: Fields): PinType {
  const type = object.text('type', 'pin')
  if (!Object.hasOwn(pinTypes, type)) {
    wrong('type', `is ${JSON.stringify(type.slice(0, 40))}: must be pin, meta-pin, clusterdag-pin or shard-pin`)
  }
  return type === 'bad-type' ? 'pin' : type as PinType
}

function depthOf (object: Fields, type: PinType): PinDepth {
  const mode = object.text('mode', '')
  if (mode !== '' && mode !== 'recursive' && mode !== 'direct') {
    wrong('mode', `is ${JSON.stringify(mode.slice(0, 40))}: must be recursive or direct`)
  }
  const usual = type === 'shard-pin' ? 1 : type === 'pin' ? depthOfMode(mode === 'direct' ? 'direct' : 'recursive') : 0
  return object.integer('max_depth', { fallback: usual, from: -1, to: largestInt32 })
}

function givenFactors (object: Fields, fallback: Factors): Factors {
  const [min, max] = ['replication_factor_min', 'replication_factor_max'].map(
    key => object.integer(key, { fallback: 0, from: -1, to: largestInt32 }) || undefined
  )
  if (min != null && max != null && !isPair({ min, max })) {
    wrong('replication_factor_min', `is ${min}: must be at most replication_factor_max (${max}), and -1 exactly when that is -1`)
  }
  return completed({ min, max }, fallback)
}

const isPair = ({ min, max }: Factors): boolean => min === -1 || max === -1 ? min === max : min <= max

/** A pair out of what is given; the rest comes from the fallback, changed as little as a valid pair needs. */
function completed ({ min, max }: { min: number | undefined, max: number | undefined }, fallback: Factors): Factors {
  if (min == null && max == null) return fallback
  if (min === -1 || max === -1) return everywhere
  if (min == null) return { min: fallback.min === -1 ? max ?? 1 : Math.min(fallback.min, max ?? 1), max: max ?? 1 }
  return { min, max: max ?? Math.max(fallback.max, min) }
}

/** Base58 is slow and a cluster has few peers: they are remembered, up to a bound that a hostile file can't raise. */
const peers = new Map<string, PeerId>()
const maxPeers = 4096

function peerOf (text: string): PeerId | undefined {
  const known = peers.get(text)
  if (known != null) return known
  const peer = normalPeerId(text)
  if (peers.size >= maxPeers) peers.clear()
  if (peer != null) peers.set(text, peer)
  return peer
}

const invalid = (message: string, cause?: unknown): ClusterError =>
  new ClusterError('INVALID_ARGUMENT', {}, { message, ...(cause === undefined ? {} : { cause }) })

function wrong (key: string, why: string): never { throw invalid(`${key}: ${why}`) }

/** Reads the keys of a JSON object; null counts as absent. */
class Fields {
  readonly #json: Record<string, unknown>

  constructor (json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('a pin must be a JSON object')
    this.#json = json as Record<string, unknown>
  }

  text (key: string, fallback: string): string {
    const value = this.#json[key] ?? fallback
    return typeof value === 'string' ? value : wrong(key, 'must be a text')
  }

  integer (key: string, { fallback, from, to }: { fallback: number, from: number, to: number }): number {
    const value = this.#json[key] ?? fallback
    return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to
      ? value
      : wrong(key, `must be a whole number of at least ${from}`)
  }

  time (key: string): Time {
    const text = this.text(key, '')
    if (text === '' || text === zeroTimeText) return zeroTime
    const time = this.#parsed(key, text, parseTime)
    return time >= zeroTime ? time : wrong(key, 'must not be before the year 1')
  }

  cid (key: string): CID | null {
    const text = this.text(key, '')
    return text === '' ? null : this.#parsed(key, text, parseCid)
  }

  list (key: string, read: (text: string) => string | undefined, what: string): string[] {
    const value = this.#json[key] ?? []
    if (!Array.isArray(value)) return wrong(key, `must be a list of ${what}`)
    return value.map(
      (one: unknown) => (typeof one === 'string' ? read(one) : undefined)
        ?? wrong(key, `has ${JSON.stringify(one)?.slice(0, 80)}: must be a list of ${what}`)
    )
  }

  texts (key: string): Record<string, string> {
    const value = this.#json[key] ?? {}
    const isMap = typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(one => typeof one === 'string')
    return isMap ? value as Record<string, string> : wrong(key, 'must be an object whose values are texts')
  }

  #parsed<Value> (key: string, text: string, parse: (text: string) => Value): Value {
    try {
      return parse(text)
    } catch (err) {
      throw invalid(`${key}: ${messageOf(err)}`, err)
    }
  }
}
