import { ClusterError, messageOf } from '../base/errors.ts'
import { CID, maxPeerIdBytes } from '../model/cid.ts'
import type { PeerId } from '../model/cid.ts'
import { compareUtf8, modeOfDepth } from '../model/pin.ts'
import type { Pin, PinOptions, PinType } from '../model/pin.ts'
import { isZeroTime, wholeSeconds, zeroTime } from '../model/time.ts'
import type { Time } from '../model/time.ts'
import { addressBytes, addressText, peerBytes, peerText } from './known-names.ts'
import { ProtobufReader, ProtobufWriter, invalidBytes, wireTypes } from './protobuf.ts'

/** The protobuf enum: the position is the number on the wire. */
const typeNumbers: readonly PinType[] = ['bad-type', 'pin', 'meta-pin', 'clusterdag-pin', 'shard-pin']
const { varint, bytes: delimited } = wireTypes

/** Years 1 to 9999: what JSON can print. */
const firstSecond = -62_135_596_800
const lastSecond = 253_402_300_799

/**
 * The pin as Go stores it (api/types.go), byte for byte. Times lose their fractions, `mode` and `userAllocations` are not stored.
 * Throws INVALID_ARGUMENT for origins or allocations that are not addresses or peers.
 */
export function encodePin (pin: Pin): Uint8Array {
  const writer = pinWriter.reset()
  const type = typeNumbers.indexOf(pin.type)
  const timestamp = wireSeconds(pin.timestamp)
  writer.bytesField(1, pin.cid.bytes)
  if (type > 0) writer.uintField(2, type)
  for (const peer of pin.allocations) writer.bytesField(3, peerBytes(peer))
  if (pin.maxDepth !== 0) writer.sintField(4, pin.maxDepth)
  if (pin.reference != null) writer.bytesField(5, pin.reference.bytes)
  writer.bytesField(6, encodeOptions(pin))
  if (timestamp !== 0) writer.uintField(7, timestamp)
  return writer.copy()
}

/** Used again: pins are small, and each would leave a piece of memory that is larger. */
const pinWriter = new ProtobufWriter(1024)
const optionsWriter = new ProtobufWriter(512)
const entryWriter = new ProtobufWriter(256)

/** Valid until the next call. */
function encodeOptions (options: PinOptions): Uint8Array {
  const writer = optionsWriter.reset()
  const expireAt = wireSeconds(options.expireAt)
  if (options.replicationFactorMin !== 0) writer.sintField(1, options.replicationFactorMin)
  if (options.replicationFactorMax !== 0) writer.sintField(2, options.replicationFactorMax)
  if (options.name !== '') writer.textField(3, options.name)
  if (options.shardSize !== 0) writer.uintField(4, options.shardSize)
  if (options.pinUpdate != null) writer.bytesField(7, options.pinUpdate.bytes)
  if (expireAt !== 0) writer.uintField(8, expireAt)
  for (const origin of options.origins) writer.bytesField(9, originBytes(origin))
  for (const key of Object.keys(options.metadata).toSorted(compareUtf8)) {
    writer.bytesField(10, encodeMetadata(key, options.metadata[key] ?? ''))
  }
  return writer.view
}

/** Valid until the next call. */
function encodeMetadata (key: string, value: string): Uint8Array {
  const writer = entryWriter.reset()
  if (key !== '') writer.textField(1, key)
  if (value !== '') writer.textField(2, value)
  return writer.view
}

/** Unix seconds, 0 for "not set"; times before 1970 are two's complement, as Go casts them. */
function wireSeconds (time: Time): number | bigint {
  if (isZeroTime(time)) return 0
  const seconds = Math.floor(time / 1000)
  return seconds < 0 ? BigInt.asUintN(64, BigInt(seconds)) : seconds
}

function originBytes (address: string): Uint8Array {
  try {
    return addressBytes(address)
  } catch (err) {
    throw new ClusterError(
      'INVALID_ARGUMENT', { address: address.slice(0, 200) }, { message: `invalid multiaddress: ${messageOf(err)}`, cause: err }
    )
  }
}

/**
 * Reads a stored pin; `cid` comes from its key, as in Go. A reference or origin that can't be read is left out. Throws INVALID_DATA for
 * bytes that are not a pin.
 */
export function decodePin (bytes: Uint8Array, cid: CID): Pin {
  const reader = new ProtobufReader(bytes)
  // written out: a list reads a hundred thousand of them
  const pin: Pin = {
    replicationFactorMin: 0, replicationFactorMax: 0, name: '', mode: 'recursive', shardSize: 0, userAllocations: [], expireAt: zeroTime,
    metadata: {}, pinUpdate: null, origins: [], cid, type: 'bad-type', allocations: [], maxDepth: 0, reference: null, timestamp: zeroTime
  }
  while (reader.next()) {
    if (reader.is(2, varint)) pin.type = typeNumbers[Number(reader.uint64())] ?? 'bad-type'
    else if (reader.is(3, delimited)) pin.allocations.push(allocationOf(reader.bytes()))
    else if (reader.is(4, varint)) pin.maxDepth = reader.sint32()
    else if (reader.is(5, delimited)) pin.reference = optionalCid(reader.bytes())
    else if (reader.is(6, delimited)) decodeOptions(reader.bytes(), pin)
    else if (reader.is(7, varint)) pin.timestamp = timeOf(reader.uint64())
    else reader.skip()
  }
  pin.mode = modeOfDepth(pin.maxDepth)
  return pin
}

/** A pin's bytes and what they say. */
export interface StoredPin { value: Uint8Array, pin: Pin }

/** What `decodePin` reads out of a pin's bytes, without reading them. Undefined for pins with something unusual: those have to be read. */
export const asStored = (pin: Pin): Pin | undefined => isPlain(pin) ? plainStored(pin) : undefined

/** What makes no difference to be encoded and decoded but for what `plainStored` does. */
function isPlain (pin: Pin): boolean {
  return pin.reference == null && pin.pinUpdate == null && pin.origins.length === 0 && pin.shardSize === 0 && isEmpty(pin.metadata) &&
    isWireTime(pin.timestamp) && isWireTime(pin.expireAt) && pin.name.isWellFormed() && pin.allocations.every(isWirePeer) &&
    typeNumbers.includes(pin.type) && isInt32(pin.maxDepth) && isInt32(pin.replicationFactorMin) && isInt32(pin.replicationFactorMax)
}

const isInt32 = (value: number): boolean => (value | 0) === value
const isWireTime = (time: Time): boolean => isZeroTime(time) || (time >= 1000 && time < 1000 * (lastSecond + 1))
const isWirePeer = (peer: PeerId): boolean => peerBytes(peer).length >= 2 && peerBytes(peer).length <= maxPeerIdBytes

function isEmpty (record: Readonly<Record<string, string>>): boolean {
  for (const _key in record) return false
  return true
}

function plainStored (pin: Pin): Pin {
  const { replicationFactorMin, replicationFactorMax, name, maxDepth, cid, type, allocations } = pin
  return {
    replicationFactorMin, replicationFactorMax, name, mode: modeOfDepth(maxDepth), shardSize: 0, userAllocations: [],
    expireAt: wholeSeconds(pin.expireAt), metadata: {}, pinUpdate: null, origins: [], cid, type, allocations: [...allocations], maxDepth,
    reference: null, timestamp: wholeSeconds(pin.timestamp)
  }
}

/** More aren't looked at: each takes some microseconds. */
const maxOrigins = 1000

function decodeOptions (bytes: Uint8Array, options: PinOptions): void {
  const reader = new ProtobufReader(bytes)
  const sorted: Array<[string, string]> = []
  let origins = 0
  while (reader.next()) {
    if (reader.is(1, varint)) options.replicationFactorMin = reader.sint32()
    else if (reader.is(2, varint)) options.replicationFactorMax = reader.sint32()
    else if (reader.is(3, delimited)) options.name = reader.text()
    else if (reader.is(4, varint)) options.shardSize = clamped(reader.uint64())
    else if (reader.is(6, delimited)) setMetadata(options.metadata, decodeMetadata(reader.bytes()))
    else if (reader.is(7, delimited)) options.pinUpdate = optionalCid(reader.bytes())
    else if (reader.is(8, varint)) options.expireAt = timeOf(reader.uint64())
    else if (reader.is(9, delimited)) {
      const address = reader.bytes()
      if (origins++ < maxOrigins) options.origins.push(...optionalAddress(address))
    }
    else if (reader.is(10, delimited)) sorted.push(decodeMetadata(reader.bytes()))
    else reader.skip()
  }
  // the sorted form is the newer one: it overrides the map
  for (const entry of sorted) setMetadata(options.metadata, entry)
}

function decodeMetadata (bytes: Uint8Array): [key: string, value: string] {
  const reader = new ProtobufReader(bytes)
  const entry: [string, string] = ['', '']
  while (reader.next()) {
    if (reader.is(1, delimited)) entry[0] = reader.text()
    else if (reader.is(2, delimited)) entry[1] = reader.text()
    else reader.skip()
  }
  return entry
}

/** Plain assignment would lose a key named __proto__. */
function setMetadata (metadata: Record<string, string>, [key, value]: [string, string]): void {
  Object.defineProperty(metadata, key, { value, enumerable: true, configurable: true, writable: true })
}

function timeOf (seconds: number | bigint): Time {
  if (seconds === 0) return zeroTime
  const signed = typeof seconds === 'number' ? seconds : Number(BigInt.asIntN(64, seconds))
  if (signed < firstSecond || signed > lastSecond) invalidBytes('a time is out of range')
  return signed * 1000
}

const clamped = (value: number | bigint): number => typeof value === 'number' ? value : Number.MAX_SAFE_INTEGER

function optionalCid (bytes: Uint8Array): CID | null {
  try { return CID.decode(bytes) } catch { return null }
}

function optionalAddress (bytes: Uint8Array): string[] {
  try { return [addressText(bytes)] } catch { return [] }
}

function allocationOf (bytes: Uint8Array): PeerId {
  if (bytes.length < 2 || bytes.length > maxPeerIdBytes) invalidBytes('an allocation is not a peer ID')
  return peerText(bytes)
}
