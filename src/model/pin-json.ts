import { cidText } from './cid.ts'
import { goJson, goJsonString } from './go-json.ts'
import { modeOfDepth, sortedByKey } from './pin.ts'
import type { Pin } from './pin.ts'
import { formatTime } from './time.ts'

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
export function pinText (pin: Pin, { form = 'stored', expireAt = formatTime(pin.expireAt) }: PinTextOptions = {}): string {
  const echo = form === 'echo'
  return `{"replication_factor_min":${pin.replicationFactorMin},"replication_factor_max":${pin.replicationFactorMax}` +
    `,"name":${goJsonString(pin.name)},"mode":"${echo ? pin.mode : modeOfDepth(pin.maxDepth)}","shard_size":${pin.shardSize}` +
    `,"user_allocations":${echo && pin.userAllocations.length > 0 ? goJson(pin.userAllocations) : 'null'}` +
    `,"expire_at":"${expireAt}","metadata":${metadataText(pin.metadata, echo ? '{}' : 'null')}` +
    `,"pin_update":${pin.pinUpdate == null ? 'null' : `"${cidText(pin.pinUpdate)}"`}` +
    `,"origins":${pin.origins.length > 0 ? goJson(pin.origins) : echo ? 'null' : '[]'}` +
    `,"cid":"${cidText(pin.cid)}","type":"${pin.type}","allocations":${pin.allocations.length > 0 ? goJson(pin.allocations) : '[]'}` +
    `,"max_depth":${pin.maxDepth},"reference":${pin.reference == null ? 'null' : `"${cidText(pin.reference)}"`}` +
    `,"timestamp":"${formatTime(pin.timestamp)}"}`
}

function metadataText (metadata: Readonly<Record<string, string>>, whenEmpty: string): string {
  for (const _key in metadata) return goJson(sortedByKey(metadata))
  return whenEmpty
}
