import type { MultiaddrText, PeerId } from './cid.ts'
import type { Time } from './time.ts'
import { formatTime } from './time.ts'
import { goJson } from './go-json.ts'

/** A measured value of one peer. Nanosecond fields are bigints: they exceed 2^53. */
export interface Metric {
  name: string
  peer: PeerId
  value: string
  /** Unix nanoseconds by the sender's clock. */
  expire: bigint
  valid: boolean
  weight: bigint
  /** Equal values form one partition in the balanced allocator (tags). */
  partitionable: boolean
  /** Unix nanoseconds, stamped by the receiver. */
  receivedAt: bigint
}

/** A metric that expired. */
export interface Alert extends Metric { triggeredAt: Time }

/** Unix milliseconds as Go's nanoseconds, exact to the microsecond. */
export const nanoseconds = (time: Time): bigint => BigInt(Math.round(time * 1000)) * 1000n

/** True when the metric must not be used: invalid or expired. `now` in Unix milliseconds. */
export const isDiscarded = (metric: Metric, now: Time): boolean => !metric.valid || nanoseconds(now) >= metric.expire

/** A metric, keys in Go's order (api/types.go). */
export function metricJson (metric: Metric): Record<string, unknown> {
  return {
    name: metric.name,
    peer: metric.peer,
    value: metric.value,
    expire: metric.expire,
    valid: metric.valid,
    weight: metric.weight,
    partitionable: metric.partitionable,
    received_at: metric.receivedAt
  }
}

/** An alert, keys in Go's order (api/types.go). */
export const alertJson = (alert: Alert): Record<string, unknown> => ({ ...metricJson(alert), triggered_at: formatTime(alert.triggeredAt) })

/** The JSON inside a `ping` metric's value. Ours: `draining`, peers from which the sender moves everything away; `removed`, by it, lately. */
export interface PingValue {
  peerName: string
  ipfsId: PeerId
  ipfsAddresses: MultiaddrText[]
  draining?: readonly PeerId[]
  removed?: readonly PeerId[]
}

/** The value of a `ping` metric as Go writes it; ours stands behind, where Go's peers pass over it. */
export function formatPingValue (value: PingValue): string {
  return goJson({
    ...(value.peerName === '' ? {} : { peer_name: value.peerName }),
    ...(value.ipfsId === '' ? {} : { ipfs_id: value.ipfsId }),
    ...(value.ipfsAddresses.length === 0 ? {} : { ipfs_addresses: value.ipfsAddresses }),
    ...(value.draining == null || value.draining.length === 0 ? {} : { draining: value.draining }),
    ...(value.removed == null || value.removed.length === 0 ? {} : { removed: value.removed })
  })
}

/** Reads a ping value of any peer; what can't be read is empty. */
export function parsePingValue (text: string): PingValue {
  let json: { peer_name?: unknown, ipfs_id?: unknown, ipfs_addresses?: unknown, draining?: unknown, removed?: unknown } = {}
  try { json = JSON.parse(text) ?? {} } catch { /* other peers may send anything */ }
  return {
    peerName: typeof json.peer_name === 'string' ? json.peer_name : '',
    ipfsId: typeof json.ipfs_id === 'string' ? json.ipfs_id : '',
    ipfsAddresses: Array.isArray(json.ipfs_addresses) ? json.ipfs_addresses.filter(address => typeof address === 'string') : [],
    ...(isFilled(json.draining) ? { draining: textsOf(json.draining) } : {}),
    ...(isFilled(json.removed) ? { removed: textsOf(json.removed) } : {})
  }
}

const isFilled = (json: unknown): json is unknown[] => Array.isArray(json) && json.length > 0
const textsOf = (json: readonly unknown[]): string[] => json.filter(one => typeof one === 'string')
