import { ClusterError } from '../../base/errors.ts'
import type { PaceLimits } from '../cluster-api.ts'

/** 32 moves at once, as fast as they go. */
export const defaultLimits: PaceLimits = { atOnce: 32, maxPinsPerSecond: 0, maxBytesPerSecond: 0 }
const mostAtOnce = 1024

/** Throws INVALID_ARGUMENT. */
export function checkLimits ({ atOnce, maxPinsPerSecond, maxBytesPerSecond }: Partial<PaceLimits>): void {
  const refuse = (message: string): never => { throw new ClusterError('INVALID_ARGUMENT', {}, { message }) }
  if (atOnce != null && (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > mostAtOnce)) {
    refuse(`at-once is a whole number from 1 to ${mostAtOnce}`)
  }
  for (const [name, rate] of [['max-pins-per-second', maxPinsPerSecond], ['max-bytes-per-second', maxBytesPerSecond]] as const) {
    if (rate != null && !(rate >= 0 && Number.isFinite(rate))) refuse(`${name} is a number, 0 or more; 0: no limit`)
  }
}
