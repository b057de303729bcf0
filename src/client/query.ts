import { percentEncode } from '../base/text/percent-encode.ts'
import type { AddOptions, PinOptions, TimeText } from './types.ts'

/** Escapes for a query as Go's url.QueryEscape. */
export const queryEscape = (text: string): string =>
  percentEncode(text).replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%20', '+')

/** `a=1&b=2`, escaped and sorted by key, as Go's url.Values.Encode prints it. */
export function encodeQuery (values: Readonly<Record<string, string>>): string {
  return Object.keys(values).toSorted().map(key => `${queryEscape(key)}=${queryEscape(values[key] ?? '')}`).join('&')
}

/** Everything that a pin can be asked for with, empty values included: what Go's client sends. */
export function pinQuery (options: PinOptions, shardSize = 0): Record<string, string> {
  const { expireAt, pinUpdate, origins = [], metadata = {}, maxSize, maxBlocks } = options
  return {
    'replication-min': String(options.replicationFactorMin ?? 0),
    'replication-max': String(options.replicationFactorMax ?? 0),
    name: options.name ?? '',
    mode: options.mode ?? 'recursive',
    'shard-size': String(shardSize),
    'user-allocations': (options.userAllocations ?? []).join(','),
    ...(expireAt == null ? {} : { 'expire-at': timeText(expireAt) }),
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`meta-${key}`, value])),
    // as metadata: Go's peers keep that, too
    ...(maxSize == null ? {} : { 'meta-max-size': String(maxSize) }),
    ...(maxBlocks == null ? {} : { 'meta-max-blocks': String(maxBlocks) }),
    ...(pinUpdate == null ? {} : { 'pin-update': pinUpdate.toString() }),
    ...(origins.length === 0 ? {} : { origins: origins.join(',') })
  }
}

const timeText = (time: Date | TimeText): TimeText => typeof time === 'string' ? time : time.toISOString()

const defaultShardSize = 100 * 1024 * 1024

/** The options of `add` as Go's REST API spells them; what isn't said is left to the peer. */
export function addQuery (options: AddOptions): Record<string, string> {
  const cidVersion = options.cidVersion ?? 0
  return {
    ...pinQuery(options, options.shardSize ?? defaultShardSize),
    chunker: options.chunker ?? 'size-262144',
    'cid-version': String(cidVersion),
    format: options.format ?? 'unixfs',
    hash: options.hash ?? 'sha2-256',
    hidden: String(options.hidden ?? false),
    layout: options.layout ?? '',
    local: String(options.local ?? false),
    'no-pin': String(options.noPin ?? false),
    nocopy: String(options.noCopy ?? false),
    progress: String(options.progress ?? false),
    'raw-leaves': String(options.rawLeaves ?? cidVersion > 0),
    recursive: String(options.recursive ?? false),
    shard: String(options.shard ?? false),
    'stream-channels': 'true',
    'wrap-with-directory': String(options.wrapWithDirectory ?? false)
  }
}
