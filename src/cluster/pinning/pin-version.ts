import type { PeerId } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import type { Time } from '../../model/time.ts'
import { wholeSeconds } from '../../model/time.ts'

/** The pin with other holders. Its time, which is stored in seconds, is later than before: versions can be distinguished. */
export const withAllocations = (pin: Pin, allocations: readonly PeerId[], now: Time): Pin =>
  ({ ...pin, allocations: [...allocations], timestamp: Math.max(now, wholeSeconds(pin.timestamp) + 1000) })

/**
 * Whether a peer speaks of the pin as it is here. One that says `pinned` of an older version may be about to hear that it isn't its own: it
 * was taken from it and given back, and it has heard of neither yet.
 */
export function isAbout (
  { created, allocations }: Pick<PinInfo, 'created' | 'allocations'>, pin: Pick<Pin, 'timestamp' | 'allocations'>
): boolean {
  const holders = allocations ?? []
  return wholeSeconds(created) === wholeSeconds(pin.timestamp)
    && holders.length === pin.allocations.length
    && holders.every(peer => pin.allocations.includes(peer)) && pin.allocations.every(peer => holders.includes(peer))
}
