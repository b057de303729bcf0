import { crc32 } from 'node:zlib'

/**
 * A record of a segment file: header, multihash, payload; little endian.
 *
 * | bytes | is |
 * |---|---|
 * | 0-3 | magic `HCBR` |
 * | 4-7 | CRC-32 of bytes 8-19 and the multihash |
 * | 8-11 | CRC-32 of the payload |
 * | 12-15 | length of the payload |
 * | 16-17 | length of the multihash |
 * | 18-19 | 0 |
 *
 * The header has a checksum of its own so that a scan can step over a damaged payload.
 */
export const headerLength = 20
/** 'HCBR' */
const magic = 0x52424348
const magicBytes = Buffer.from('HCBR')
const longestMultihash = 0xffff

/** Bytes a record takes in its segment. */
export const recordLength = (multihashLength: number, payloadLength: number): number => headerLength + multihashLength + payloadLength

/** What stands before a block in a segment. `payloadLength` in bytes, `payloadCrc` a CRC-32. */
export interface Header { multihash: Uint8Array, payloadLength: number, payloadCrc: number }

/** A block to be written. */
export interface NewBlock {
  multihash: Uint8Array
  bytes: Uint8Array
  /** CRC-32 of the bytes, if it is known. */
  crc32?: number | undefined
}

/** Writes header and multihash at `at`; returns the offset behind them. */
export function encodeHeader (into: Buffer, at: number, block: NewBlock): number {
  const { multihash, bytes } = block
  if (multihash.length > longestMultihash) throw new RangeError('the multihash is too long')
  into.writeUInt32LE(magic, at)
  into.writeUInt32LE(block.crc32 ?? crc32(bytes), at + 8)
  into.writeUInt32LE(bytes.length, at + 12)
  into.writeUInt32LE(multihash.length, at + 16)
  into.set(multihash, at + headerLength)
  const end = at + headerLength + multihash.length
  into.writeUInt32LE(crc32(into.subarray(at + 8, end)), at + 4)
  return end
}

/**
 * Reads the header at `at`; undefined when there is none that is whole. `multihash` is a view of `from`.
 */
export function decodeHeader (from: Buffer, at: number): Header | undefined {
  if (at + headerLength > from.length || from.readUInt32LE(at) !== magic) return undefined
  const end = at + headerLength + from.readUInt16LE(at + 16)
  if (end > from.length || crc32(from.subarray(at + 8, end)) !== from.readUInt32LE(at + 4)) return undefined
  return {
    multihash: from.subarray(at + headerLength, end), payloadLength: from.readUInt32LE(at + 12), payloadCrc: from.readUInt32LE(at + 8)
  }
}

/** The payload of the record that fills `record`, when it is the block of `multihash` and its checksums are right. */
export function payloadOf (record: Buffer, multihash: Uint8Array): Buffer | undefined {
  const header = headerOf(multihash, record)
  const payload = record.subarray(headerLength + multihash.length)
  return header?.payloadLength === payload.length && isContentOf(header, payload) ? payload : undefined
}

/** The same, whatever its own checksum says: for who compares it with the multihash. */
export function uncheckedPayloadOf (record: Buffer, multihash: Uint8Array): Buffer | undefined {
  const payload = record.subarray(headerLength + multihash.length)
  return headerOf(multihash, record)?.payloadLength === payload.length ? payload : undefined
}

/** The header that `record` begins with, when it is that of the block of `multihash` and its checksum is right. */
export function headerOf (multihash: Uint8Array, record: Buffer): Header | undefined {
  const header = decodeHeader(record, 0)
  return header != null && Buffer.compare(header.multihash, multihash) === 0 ? header : undefined
}

/** Whether a record still has what was written: by its checksum. */
export const isContentOf = ({ payloadCrc }: Header, payload: Uint8Array): boolean => crc32(payload) === payloadCrc

/** Where the next record may begin in `from`, at `at` or later; -1 when nowhere. */
export const findMagic = (from: Buffer, at: number): number => from.indexOf(magicBytes, at)

/** Headers are this long at most. */
export const longestHeader = headerLength + longestMultihash
