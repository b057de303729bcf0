import { goJson } from '../../model/go-json.ts'
import type { MultiaddrText } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { sortedByKey } from '../../model/pin.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { Time } from '../../model/time.ts'
import { formatTime } from '../../model/time.ts'

/** A PinStatus before it is JSON. */
export interface PinStatus {
  pin: Pick<Pin, 'cid' | 'name' | 'origins' | 'metadata'>, status: PinningStatus, created: Time, delegates: readonly MultiaddrText[]
}

/** Go's words, which its clients know. */
const info = {
  source: 'IPFS cluster API',
  warning1: 'CID used for requestID. Conflicts possible',
  warning2: 'experimental'
}

/** A PinStatus as Go prints it; the request id is the CID. */
export function pinStatusJson ({ pin, status, created, delegates }: PinStatus): Record<string, unknown> {
  const cid = pin.cid.toString()
  return {
    requestid: cid,
    status,
    created: formatTime(created),
    pin: {
      cid,
      ...(pin.name === '' ? {} : { name: pin.name }),
      ...(pin.origins.length === 0 ? {} : { origins: pin.origins }),
      ...(Object.keys(pin.metadata).length === 0 ? {} : { meta: sortedByKey(pin.metadata) })
    },
    delegates,
    info
  }
}

/** A page of pins as the Pinning Service API has it; `count` is that of all that match. */
export const pinListJson = (count: number, results: readonly PinStatus[]): string => goJson({ count, results: results.map(pinStatusJson) })
