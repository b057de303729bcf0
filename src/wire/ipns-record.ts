import { encode as encodeCbor } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { messageOf } from '../base/errors.ts'
import { cidText } from '../model/cid.ts'
import { decodeDagCbor } from '../model/dag-cbor.ts'
import { invalidBytes, ProtobufReader, ProtobufWriter, wireTypes } from './protobuf.ts'

/** Longest record that is read or made (https://specs.ipfs.tech/ipns/ipns-record/). */
const maxRecordBytes = 10 * 1024

/** What a record says. The signature covers it as DAG-CBOR. */
export interface IpnsRecordData {
  /** A path that begins with `/`, as it was published. */
  value: string
  /** RFC 3339, UTC. */
  validity: string
  sequence: bigint
  /** Undefined: it has none. Nanoseconds. */
  ttlNs: bigint | undefined
}

/** A record, read but not verified. */
export interface IpnsRecord extends IpnsRecordData {
  /** All of it, as it came. */
  bytes: Uint8Array
  /** What `signatureV2` is for, without the words before it: see `signedBytes`. */
  data: Uint8Array
  signatureV2: Uint8Array
  /** The signer's public key (libp2p protobuf), when the name doesn't hold it. */
  publicKey: Uint8Array | undefined
  /** End of the validity. Unix nanoseconds: records are compared by it. */
  validUntilNs: bigint
}

/** The fields of the protobuf: `data` in the clear for readers of before 2021, and what counts. */
interface Message {
  value: Uint8Array
  signatureV1: Uint8Array
  validityType: number | bigint
  validity: Uint8Array
  sequence: number | bigint
  ttl: number | bigint
  publicKey: Uint8Array
  signatureV2: Uint8Array
  data: Uint8Array
}

const fields = {
  value: 1, signatureV1: 2, validityType: 3, validity: 4, sequence: 5, ttl: 6, publicKey: 7, signatureV2: 8, data: 9
} as const
const none = new Uint8Array(0)
const endOfLife = 0

/**
 * Reads a record. Throws INVALID_DATA for one that is too long, has no signature of version 2 or no data, a validity that can't be read, a
 * value that is no path, or a copy for old readers that says something else. The signature isn't looked at.
 */
export function decodeIpnsRecord (bytes: Uint8Array): IpnsRecord {
  if (bytes.length > maxRecordBytes) invalidBytes('record exceeds allowed size limit')
  const message = readMessage(bytes)
  if (message.data.length === 0) invalidBytes('record is missing the dag-cbor data field')
  if (message.signatureV2.length === 0) invalidBytes('the record has no signature of version 2')
  const map = readMap(message.data)
  checkCopy(message, map)
  const validity = textOf(map, 'Validity')
  return {
    bytes,
    data: message.data,
    signatureV2: message.signatureV2,
    publicKey: message.publicKey.length === 0 ? undefined : message.publicKey,
    value: pathOf(bytesOf(map, 'Value')),
    validity,
    validUntilNs: parseRfc3339(validity),
    sequence: BigInt.asUintN(64, integerOf(map, 'Sequence')),
    ttlNs: 'TTL' in map ? ttlOf(map) : undefined
  }
}

/** What the signature (version 2) of an IPNS record is over: a prefix, and the record's dag-cbor. */
export const signedBytes = (data: Uint8Array): Uint8Array => Buffer.concat([Buffer.from('ipns-signature:'), data])

/** Whose record it is. */
export interface RecordSigner {
  sign: (bytes: Uint8Array) => Promise<Uint8Array>
  /** The public key's protobuf, when the name doesn't hold it. */
  publicKey: Uint8Array | undefined
  /** With the copy for readers of before 2021. */
  withV1: boolean
}

/** Makes and signs a record, byte for byte as Go does. */
export async function encodeIpnsRecord (
  { value, validity, sequence, ttlNs = 0n }: IpnsRecordData, { sign, publicKey, withV1 }: RecordSigner
): Promise<Uint8Array> {
  const [valueBytes, validityBytes] = [Buffer.from(value), Buffer.from(validity)]
  const data = encodeCbor({
    Value: new Uint8Array(valueBytes), Validity: new Uint8Array(validityBytes), ValidityType: endOfLife,
    Sequence: BigInt.asIntN(64, sequence), TTL: ttlNs
  })
  const signatureV2 = await sign(signedBytes(data))
  const writer = new ProtobufWriter(1024)
  if (withV1) {
    writer.bytesField(fields.value, valueBytes)
      .bytesField(fields.signatureV1, await sign(Buffer.concat([valueBytes, validityBytes, Buffer.from('EOL')])))
      .uintField(fields.validityType, endOfLife)
      .bytesField(fields.validity, validityBytes)
      .uintField(fields.sequence, sequence)
      .uintField(fields.ttl, ttlNs)
  }
  if (publicKey != null) writer.bytesField(fields.publicKey, publicKey)
  return Uint8Array.from(writer.bytesField(fields.signatureV2, signatureV2).bytesField(fields.data, data).finish())
}

/**
 * Which of two records of one name counts: > 0 the first, < 0 the second. The later sequence number, then the longer validity, then the
 * larger bytes, as in Go.
 */
export function compareRecords (a: IpnsRecord, b: IpnsRecord): number {
  if (a.sequence !== b.sequence) return a.sequence > b.sequence ? 1 : -1
  if (a.validUntilNs !== b.validUntilNs) return a.validUntilNs > b.validUntilNs ? 1 : -1
  return Buffer.compare(a.bytes, b.bytes)
}

/** RFC 3339 as Go prints it: UTC, without zeros at the end of the fraction. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z')

/** Whether a record has the copy for readers of before 2021. */
export const hasV1 = (bytes: Uint8Array): boolean => readMessage(bytes).value.length > 0

function readMessage (bytes: Uint8Array): Message {
  const message: Message = {
    value: none, signatureV1: none, validityType: 0, validity: none, sequence: 0, ttl: 0, publicKey: none, signatureV2: none, data: none
  }
  const reader = new ProtobufReader(bytes)
  while (reader.next()) {
    const name = (Object.keys(fields) as Array<keyof typeof fields>).find(one => fields[one] === reader.field)
    if (name === 'validityType' || name === 'sequence' || name === 'ttl') {
      if (reader.wireType === wireTypes.varint) message[name] = reader.uint64()
      else reader.skip()
    } else if (name != null && reader.wireType === wireTypes.bytes) message[name] = reader.bytes()
    else reader.skip()
  }
  return message
}

type CborMap = Record<string, unknown>

/** A record is a map of plain values; others may add some. */
const recordNesting = { depth: 16, items: 1000 }

function readMap (data: Uint8Array): CborMap {
  let map: unknown
  try {
    map = decodeDagCbor(data, recordNesting)
  } catch (err) {
    invalidBytes(`record is malformed: ${messageOf(err)}`, err)
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map) || map instanceof Uint8Array || CID.asCID(map) != null) {
    invalidBytes('record is malformed: its data is no map')
  }
  const read = map as CborMap
  if (integerOf(read, 'ValidityType') !== BigInt(endOfLife)) invalidBytes('record contains an unrecognized validity type')
  return read
}

function fieldOf (map: CborMap, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : invalidBytes(`record is malformed: it has no ${name}`)
}

function bytesOf (map: CborMap, name: string): Uint8Array {
  const value = fieldOf(map, name)
  return value instanceof Uint8Array ? value : invalidBytes(`record is malformed: ${name} is no bytes`)
}

function integerOf (map: CborMap, name: string): bigint {
  const value = fieldOf(map, name)
  const integer = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined
  if (integer == null || BigInt.asIntN(64, integer) !== integer) {
    return invalidBytes(`record is malformed: ${name} is no integer of 64 bits`)
  }
  return integer
}

function ttlOf (map: CborMap): bigint {
  const ttl = integerOf(map, 'TTL')
  return ttl < 0n ? invalidBytes('record is malformed: negative TTL') : ttl
}

const textOf = (map: CborMap, name: string): string => new TextDecoder().decode(bytesOf(map, name))

/**
 * Old readers see the copy, new ones the data: they must not see different things. A broken signature of version 1 alone is of no concern.
 */
function checkCopy (message: Message, map: CborMap): void {
  if (message.signatureV1.length === 0 && message.value.length === 0) return
  const isSame = {
    Value: Buffer.compare(message.value, bytesOf(map, 'Value')) === 0,
    Validity: Buffer.compare(message.validity, bytesOf(map, 'Validity')) === 0,
    ValidityType: BigInt(message.validityType) === integerOf(map, 'ValidityType'),
    Sequence: BigInt(message.sequence) === BigInt.asUintN(64, integerOf(map, 'Sequence')),
    TTL: BigInt(message.ttl) === BigInt.asUintN(64, integerOf(map, 'TTL'))
  }
  for (const [name, same] of Object.entries(isSame)) {
    if (!same) invalidBytes(`field ${JSON.stringify(name)} did not match between protobuf and CBOR`)
  }
}

/** An empty value stands for nothing at all; very old records hold a bare CID. */
function pathOf (value: Uint8Array): string {
  if (value.length === 0) return '/ipfs/bafkqaaa'
  try {
    return value[0] === 0x2f ? new TextDecoder('utf-8', { fatal: true }).decode(value) : `/ipfs/${cidText(CID.decode(value))}`
  } catch (err) {
    return invalidBytes('value is not a valid content path', err)
  }
}

const rfc3339Form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?(Z|[+-]\d\d:\d\d)$/

function parseRfc3339 (text: string): bigint {
  const [, seconds, fraction = '', zone] = rfc3339Form.exec(text) ?? []
  const ms = seconds == null ? Number.NaN : Date.parse(`${seconds}${zone}`)
  // Date takes the 31st of February for a day in March
  if (Number.isNaN(ms) || new Date(Date.parse(`${seconds}Z`)).toISOString().slice(0, 19) !== seconds) {
    return invalidBytes('record contains an invalid validity')
  }
  return BigInt(ms) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}
