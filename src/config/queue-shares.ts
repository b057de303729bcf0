import { isJsonObject } from '../base/json-object.ts'
import type { QueueShare } from '../model/queue-rules.ts'
import { usualShare } from '../model/queue-rules.ts'
import type { Kind, Refused } from './kinds.ts'
import { bytes, float, int, jsonOf, refused } from './kinds.ts'

const weights = float({ atLeast: 0.01, atMost: 1000 })
const counts = float({ atLeast: 0 })
const wholes = int({ atLeast: 0 })

/** Shares of the queues of pins, by name. */
export const queueShares: Kind<ReadonlyMap<string, QueueShare>> = {
  name: 'map of queues',
  allowed: 'an object of names and what each may have, such as {"urgent": {"weight": 10}, "*": {"max_pins_per_second": 5, '
    + '"max_bytes_per_second": "10MB", "max_at_once": 2}}: a weight of 0.01 to 1000, and limits, 0 for none',
  zero: {},
  isEmpty: raw => isJsonObject(raw) && Object.keys(raw).length === 0,
  parse: raw => {
    if (!isJsonObject(raw)) return refused
    const shares = Object.entries(raw).map(([name, one]) => [name, queueShare(one)] as const)
    return shares.some(([, share]) => share === refused) ? refused : new Map(shares as Array<[string, QueueShare]>)
  },
  fromText: jsonOf
}

function queueShare (raw: unknown): QueueShare | Refused {
  if (!isJsonObject(raw)) return refused
  const {
    weight = usualShare.weight, max_pins_per_second: pins = 0, max_bytes_per_second: rate = 0, max_at_once: atOnce = 0, ...more
  } = raw
  const values = [weights.parse(weight), counts.parse(pins), bytes.parse(rate), wholes.parse(atOnce)]
  if (values.includes(refused) || Object.keys(more).length > 0) return refused
  const [share, maxPinsPerSecond, maxBytesPerSecond, maxAtOnce] = values as [number, number, number, number]
  return { weight: share, maxPinsPerSecond, maxBytesPerSecond, maxAtOnce }
}
