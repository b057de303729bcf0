import { ClusterError } from '../base/errors.ts'
import { ProtobufWriter, fieldLength } from './protobuf.ts'

/**
 * Bitswap 1.2.0 messages as @helia/bitswap's engine takes them (its own codec isn't exported). Byte fields are views of the message.
 * Enumerations are the names that the engine compares with.
 */
export interface BitswapMessage {
  wantlist?: { entries: BitswapWant[], full?: boolean }
  blocks: Array<{ prefix: Uint8Array, data: Uint8Array }>
  blockPresences: Array<{ cid: Uint8Array, type: 'HaveBlock' | 'DoNotHaveBlock' }>
  pendingBytes: number
}

/** An entry of a want list. `cid`: its bytes; an absent `wantType` is WantBlock, for peers of before version 1.2.0. */
export interface BitswapWant {
  cid: Uint8Array, priority: number, cancel?: boolean, wantType?: 'WantBlock' | 'WantHave', sendDontHave?: boolean
}

interface Field { number: number, value: number, bytes: Uint8Array }

/** Most wants, blocks and presences of one message; more is taken as an attack. */
const maxEntries = 100_000

/** Reads a message; unknown fields are skipped. Throws INVALID_DATA. */
export function decodeBitswapMessage (bytes: Uint8Array): BitswapMessage {
  const message: BitswapMessage = { blocks: [], blockPresences: [], pendingBytes: 0 }
  for (const { number, value, bytes: inner } of fields(bytes)) {
    if (number === 1) message.wantlist = decodeWantlist(inner, message.wantlist)
    else if (number === 3) bounded(message.blocks).push(decodeBlock(inner))
    else if (number === 4) bounded(message.blockPresences).push(decodePresence(inner))
    else if (number === 5) message.pendingBytes = value
  }
  return message
}

function decodeWantlist (bytes: Uint8Array, before: BitswapMessage['wantlist']): NonNullable<BitswapMessage['wantlist']> {
  const wantlist = before ?? { entries: [] }
  for (const { number, value, bytes: inner } of fields(bytes)) {
    if (number === 1) bounded(wantlist.entries).push(decodeWant(inner))
    else if (number === 2) wantlist.full = value !== 0
  }
  return wantlist
}

function decodeWant (bytes: Uint8Array): BitswapWant {
  const want: BitswapWant = { cid: noBytes, priority: 0 }
  for (const { number, value, bytes: inner } of fields(bytes)) {
    if (number === 1) want.cid = inner
    else if (number === 2) want.priority = value | 0
    else if (number === 3) want.cancel = value !== 0
    else if (number === 4) want.wantType = value === 1 ? 'WantHave' : 'WantBlock'
    else if (number === 5) want.sendDontHave = value !== 0
  }
  return want
}

function decodeBlock (bytes: Uint8Array): BitswapMessage['blocks'][number] {
  const block: BitswapMessage['blocks'][number] = { prefix: noBytes, data: noBytes }
  for (const { number, bytes: inner } of fields(bytes)) {
    if (number === 1) block.prefix = inner
    else if (number === 2) block.data = inner
  }
  return block
}

function decodePresence (bytes: Uint8Array): BitswapMessage['blockPresences'][number] {
  const presence: BitswapMessage['blockPresences'][number] = { cid: noBytes, type: 'HaveBlock' }
  for (const { number, value, bytes: inner } of fields(bytes)) {
    if (number === 1) presence.cid = inner
    else if (number === 2) presence.type = value === 1 ? 'DoNotHaveBlock' : 'HaveBlock'
  }
  return presence
}

const noBytes = new Uint8Array(0)

/** The fields of a protobuf message. One `Field` object is reused. */
function * fields (bytes: Uint8Array): Generator<Field> {
  const field: Field = { number: 0, value: 0, bytes: noBytes }
  let at = 0
  while (at < bytes.length) {
    const tag = readVarint(bytes, at)
    at = tag.end
    field.number = Math.floor(tag.value / 8)
    const wire = tag.value % 8
    field.value = 0
    field.bytes = noBytes
    if (wire === 0 || wire === 2) {
      const number = readVarint(bytes, at)
      at = number.end
      field.value = number.value
    }
    const length = wire === 2 ? field.value : wire === 1 ? 8 : wire === 5 ? 4 : wire === 0 ? 0 : -1
    if (length < 0 || at + length > bytes.length) throw invalid('a field ends outside of its message')
    if (length > 0) field.bytes = bytes.subarray(at, at + length)
    at += length
    yield field
  }
}

/** An unsigned varint below 2^53 (longer ones, as of negative numbers, keep their low bits). */
function readVarint (bytes: Uint8Array, start: number): { value: number, end: number } {
  let value = 0
  for (let at = start, factor = 1; at < bytes.length && at < start + 10; at++, factor *= 128) {
    const byte = bytes[at] ?? 0
    if (factor <= 2 ** 42) value += (byte & 127) * factor
    if (byte < 128) return { value, end: at + 1 }
  }
  throw invalid('a number does not end')
}

function bounded<T> (list: T[]): T[] {
  if (list.length >= maxEntries) throw invalid('too many entries')
  return list
}

const invalid = (why: string): ClusterError => new ClusterError('INVALID_DATA', {}, { message: `not a bitswap message: ${why}` })

/** What one outgoing message carries. `prefix` and payload as in `BitswapMessage`. */
export interface OutgoingBitswap {
  wants?: ReadonlyArray<{ cid: Uint8Array, type?: 'block' | 'have', cancel?: boolean }>
  blocks?: ReadonlyArray<{ prefix: Uint8Array, data: Uint8Array }>
  presences?: ReadonlyArray<{ cid: Uint8Array, has: boolean }>
}

/** Encodes a message with its length in front, ready to be written to a stream. Wants ask to be told when the block isn't there. */
export function encodeBitswapFrame ({ wants = [], blocks = [], presences = [] }: OutgoingBitswap): Uint8Array {
  const body = new ProtobufWriter(64 * (wants.length + presences.length) + blocks.reduce((sum, { data }) => sum + data.length + 32, 16))
  if (wants.length > 0) body.bytesField(1, encodeWantlist(wants))
  for (const { prefix, data } of blocks) {
    body.messageHeader(3, fieldLength(prefix.length) + fieldLength(data.length)).bytesField(1, prefix).bytesField(2, data)
  }
  for (const { cid, has } of presences) {
    body.messageHeader(4, fieldLength(cid.length) + (has ? 0 : 2)).bytesField(1, cid).raw(has ? noBytes : dontHave)
  }
  const message = body.finish()
  return new ProtobufWriter(message.length + 5).varint(message.length).raw(message).finish()
}

const dontHave = Uint8Array.of(2 * 8, 1)

function encodeWantlist (wants: NonNullable<OutgoingBitswap['wants']>): Uint8Array {
  const list = new ProtobufWriter(64 * wants.length)
  for (const { cid, type = 'block', cancel = false } of wants) {
    const entry = new ProtobufWriter(64).bytesField(1, cid).uintField(2, 1)
    if (cancel) entry.uintField(3, 1)
    else {
      if (type === 'have') entry.uintField(4, 1)
      entry.uintField(5, 1)
    }
    list.bytesField(1, entry.finish())
  }
  return list.finish()
}
