import { cidText } from './cid.ts'
import { goJson, goJsonString } from './go-json.ts'
import { modeOfDepth, sortedByKey } from './pin.ts'
import type { Pin } from './pin.ts'
import { formatTime, isZeroTime, zeroTime } from './time.ts'

export interface PinTextOptions {
  /** How "not set" is printed: the answer of POST echoes the request, a stored pin has lost what isn't stored (api/types.go). */
  form?: 'stored' | 'echo'
  /** Printed in place of the pin's own. Default: none. */
  expireAt?: string | undefined
}

/**
 * A pin as Go prints it in JSON, keys in Go's order. `stored`: user_allocations null, metadata null when empty, origins []. `echo`:
 * metadata {}, origins null when empty, user_allocations null when empty. Each pin is printed when it comes and for its row: so piece by
 * piece, which is quicker than an object and `goJson`.
 */
export function pinText (pin: Pin, { form = 'stored', expireAt }: PinTextOptions = {}): string {
  const echo = form === 'echo'
  const mode = echo ? pin.mode : modeOfDepth(pin.maxDepth)
  if (expireAt == null && mode === 'recursive' && isUsual(pin)) return usualText(pin, echo)
  return `{"replication_factor_min":${pin.replicationFactorMin},"replication_factor_max":${pin.replicationFactorMax}` +
    `,"name":${goJsonString(pin.name)},"mode":"${mode}","shard_size":${pin.shardSize}` +
    `,"user_allocations":${echo && pin.userAllocations.length > 0 ? goJson(pin.userAllocations) : 'null'}` +
    `,"expire_at":"${expireAt ?? formatTime(pin.expireAt)}","metadata":${metadataText(pin.metadata, echo ? '{}' : 'null')}` +
    `,"pin_update":${pin.pinUpdate == null ? 'null' : `"${cidText(pin.pinUpdate)}"`}` +
    `,"origins":${pin.origins.length > 0 ? goJson(pin.origins) : echo ? 'null' : '[]'}` +
    `,"cid":"${cidText(pin.cid)}","type":"${pin.type}","allocations":${pin.allocations.length > 0 ? goJson(pin.allocations) : '[]'}` +
    `,"max_depth":${pin.maxDepth},"reference":${pin.reference == null ? 'null' : `"${cidText(pin.reference)}"`}` +
    `,"timestamp":"${formatTime(pin.timestamp)}"}`
}

/** What nearly all pins are: in a tenth of the pieces. */
function isUsual (pin: Pin): boolean {
  return pin.maxDepth === -1 && pin.type === 'pin' && pin.shardSize === 0 && isZeroTime(pin.expireAt) && pin.pinUpdate == null &&
    pin.reference == null && pin.origins.length === 0 && pin.userAllocations.length === 0 && isEmpty(pin.metadata)
}

const behindName = ({ metadata, origins }: { metadata: string, origins: string }): string =>
  `,"mode":"recursive","shard_size":0,"user_allocations":null,"expire_at":"${formatTime(zeroTime)}","metadata":${metadata}` +
  `,"pin_update":null,"origins":${origins},"cid":"`
const echoed = behindName({ metadata: '{}', origins: 'null' })
const stored = behindName({ metadata: 'null', origins: '[]' })

let lastFactors = ''
let [lastMin, lastMax] = [NaN, NaN]

function factorsText ({ replicationFactorMin, replicationFactorMax }: Pin): string {
  if (replicationFactorMin !== lastMin || replicationFactorMax !== lastMax) {
    [lastMin, lastMax] = [replicationFactorMin, replicationFactorMax]
    lastFactors = `{"replication_factor_min":${lastMin},"replication_factor_max":${lastMax},"name":`
  }
  return lastFactors
}

function usualText (pin: Pin, echo: boolean): string {
  const { allocations } = pin
  return `${factorsText(pin)}${goJsonString(pin.name)}${echo ? echoed : stored}${cidText(pin.cid)}","type":"pin","allocations":${
    allocations.length > 0 ? goJson(allocations) : '[]'},"max_depth":-1,"reference":null,"timestamp":"${formatTime(pin.timestamp)}"}`
}

function isEmpty (record: Readonly<Record<string, string>>): boolean {
  for (const _key in record) return false
  return true
}

function metadataText (metadata: Readonly<Record<string, string>>, whenEmpty: string): string {
  for (const _key in metadata) return goJson(sortedByKey(metadata))
  return whenEmpty
}
