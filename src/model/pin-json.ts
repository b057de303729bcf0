import { modeOfDepth, sortedByKey } from './pin.ts'
import type { Pin } from './pin.ts'
import { formatTime } from './time.ts'

/** How "not set" is printed: the answer of POST echoes the request, a stored pin has lost what isn't stored (api/types.go). */
export type PinJsonForm = 'stored' | 'echo'

/**
 * The object that Go prints for a pin, keys in Go's order. `stored`: user_allocations null, metadata null when empty, origins [].
 * `echo`: metadata {}, origins null when empty, user_allocations null when empty.
 */
export function pinJson (pin: Pin, form: PinJsonForm = 'stored'): Record<string, unknown> {
  const echo = form === 'echo'
  const hasMetadata = Object.keys(pin.metadata).length > 0
  return {
    replication_factor_min: pin.replicationFactorMin,
    replication_factor_max: pin.replicationFactorMax,
    name: pin.name,
    mode: echo ? pin.mode : modeOfDepth(pin.maxDepth),
    shard_size: pin.shardSize,
    user_allocations: echo && pin.userAllocations.length > 0 ? pin.userAllocations : null,
    expire_at: formatTime(pin.expireAt),
    metadata: hasMetadata ? sortedByKey(pin.metadata) : echo ? {} : null,
    pin_update: pin.pinUpdate?.toString() ?? null,
    origins: pin.origins.length > 0 || !echo ? pin.origins : null,
    cid: pin.cid.toString(),
    type: pin.type,
    allocations: pin.allocations,
    max_depth: pin.maxDepth,
    reference: pin.reference?.toString() ?? null,
    timestamp: formatTime(pin.timestamp)
  }
}
