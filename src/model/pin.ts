import type { CID, MultiaddrText, PeerId } from './cid.ts'
import type { Time } from './time.ts'
import { zeroTime } from './time.ts'

/** Go's pin types; the numbers are the bits of Go's api.PinType (api/types.go). */
export const pinTypes = { 'bad-type': 1, pin: 2, 'meta-pin': 4, 'clusterdag-pin': 8, 'shard-pin': 16 } as const
/** Go's name of a pin's type; users make `pin`s. */
export type PinType = keyof typeof pinTypes
/** The bits of all types but `bad-type`: what a filter means that names none. */
export const allPinTypes = 30

/** `direct`: the root block alone. */
export type PinMode = 'recursive' | 'direct'

/** -1: the whole DAG; 0: the root only; 1 or 2: shards. */
export type PinDepth = number

/** What a user asks for. Factors: 0 = the peer's default, -1 = everywhere. */
export interface PinOptions {
  replicationFactorMin: number
  replicationFactorMax: number
  name: string
  mode: PinMode
  shardSize: number
  /** Preferred peers. Not stored. */
  userAllocations: PeerId[]
  expireAt: Time
  metadata: Record<string, string>
  pinUpdate: CID | null
  origins: MultiaddrText[]
}

/** An item of the pinset. */
export interface Pin extends PinOptions {
  cid: CID
  type: PinType
  /** Empty: every peer (when both factors are -1). */
  allocations: PeerId[]
  maxDepth: PinDepth
  reference: CID | null
  timestamp: Time
}

/** A new object with the value of every option that wasn't given; factors of 0 stand for the cluster's own. */
export function defaultPinOptions (): PinOptions {
  return {
    replicationFactorMin: 0,
    replicationFactorMax: 0,
    name: '',
    mode: 'recursive',
    shardSize: 0,
    userAllocations: [],
    expireAt: zeroTime,
    metadata: {},
    pinUpdate: null,
    origins: []
  }
}

/** A pin of type `pin` with these options; the depth follows the mode. */
export function pinWithOptions (cid: CID, options: PinOptions): Pin {
  return { ...options, cid, type: 'pin', allocations: [], maxDepth: depthOfMode(options.mode), reference: null, timestamp: zeroTime }
}

/** How deep a mode goes: 0 the block alone, -1 the whole DAG. */
export const depthOfMode = (mode: PinMode): PinDepth => mode === 'direct' ? 0 : -1
/** The mode that Go shows for a depth: "direct" for 0, else "recursive". */
export const modeOfDepth = (depth: PinDepth): PinMode => depth === 0 ? 'direct' : 'recursive'

/** True when both factors are -1: every peer pins it and `allocations` is empty. */
export const isEverywhere = (pin: Pick<PinOptions, 'replicationFactorMin' | 'replicationFactorMax'>): boolean =>
  pin.replicationFactorMin === -1 && pin.replicationFactorMax === -1

/** What says who shall hold a pin. */
export type PinPlacement = Pick<Pin, 'type' | 'replicationFactorMin' | 'replicationFactorMax'> & { allocations: readonly PeerId[] }

/** True when `peer` doesn't have to hold this pin. (Factors 0/0 without allocations are remote everywhere, as in Go.) */
export const isRemote = (pin: PinPlacement, peer: PeerId): boolean => !isEverywhere(pin) && !pin.allocations.includes(peer)

/** A copy whose keys are in byte order, as Go prints maps. */
export function sortedByKey (map: Readonly<Record<string, string>>): Record<string, string> {
  const keys = Object.keys(map)
  if (keys.length < 2) return map
  return Object.fromEntries(keys.toSorted(compareUtf8).map(key => [key, map[key] ?? '']))
}

const encoder = new TextEncoder()

/** Compares by UTF-8 bytes, as Go compares strings. */
export function compareUtf8 (a: string, b: string): number {
  return Buffer.compare(encoder.encode(a), encoder.encode(b))
}
