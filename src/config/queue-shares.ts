import type { JsonObject } from '../base/json-object.ts'
import { isJsonObject } from '../base/json-object.ts'
import type { QueueShare } from '../model/queue-rules.ts'
import { longestQueueName, usualShare } from '../model/queue-rules.ts'
import type { Kind, WrongPart } from './kinds.ts'
import { bytes, float, int, jsonOf, refused } from './kinds.ts'

/** What a queue may have, by key. */
const shareKinds: Readonly<Record<string, Kind<number>>> = {
  weight: float({ atLeast: 0.01, atMost: 1000 }),
  max_pins_per_second: float({ atLeast: 0 }),
  max_bytes_per_second: bytes,
  max_at_once: int({ atLeast: 0 })
}

/** Shares of the queues of pins, by name. */
export const queueShares: Kind<ReadonlyMap<string, QueueShare>> = {
  name: 'map of queues',
  allowed: 'an object of names and what each may have, such as {"urgent": {"weight": 10}, "*": {"max_pins_per_second": 5, '
    + '"max_bytes_per_second": "10MB", "max_at_once": 2}}: a weight of 0.01 to 1000, and limits, 0 for none',
  zero: {},
  isEmpty: raw => isJsonObject(raw) && Object.keys(raw).length === 0,
  parse: raw => {
    if (!isJsonObject(raw) || wrongQueue(raw) != null) return refused
    return new Map(Object.entries(raw).map(([name, one]) => [name, queueShare(one as JsonObject)]))
  },
  wrongPart: raw => isJsonObject(raw) ? wrongQueue(raw) : undefined,
  fromText: jsonOf
}

/** The first queue, or value of one, that isn't allowed. */
function wrongQueue (raw: JsonObject): WrongPart | undefined {
  for (const [name, share] of Object.entries(raw)) {
    if (name === '' || name.length > longestQueueName) {
      return { keys: [name], value: share, allowed: `under a name of 1 to ${longestQueueName} characters` }
    }
    if (!isJsonObject(share)) return { keys: [name], value: share, allowed: `an object with ${keysText}` }
    for (const [key, value] of Object.entries(share)) {
      const kind = Object.hasOwn(shareKinds, key) ? shareKinds[key] : undefined
      if (kind == null) return { keys: [name, key], value, allowed: `absent: a queue has ${keysText}` }
      if (kind.parse(value) === refused) return { keys: [name, key], value, allowed: kind.allowed }
    }
  }
  return undefined
}

const keysText = Object.keys(shareKinds).join(', ')

/** Of an object in which nothing is wrong. */
function queueShare (raw: JsonObject): QueueShare {
  const of = (key: string, whenMissing: number): number => {
    const value = key in raw ? shareKinds[key]?.parse(raw[key]) : whenMissing
    return typeof value === 'number' ? value : whenMissing
  }
  return {
    weight: of('weight', usualShare.weight), maxPinsPerSecond: of('max_pins_per_second', usualShare.maxPinsPerSecond),
    maxBytesPerSecond: of('max_bytes_per_second', usualShare.maxBytesPerSecond), maxAtOnce: of('max_at_once', usualShare.maxAtOnce)
  }
}
