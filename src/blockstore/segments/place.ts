import { crc32 } from 'node:zlib'

/** Where a record is: its segment, the offset of its header, and the length of its payload. */
export interface Place { segment: number, offset: number, length: number }

/**
 * What the index knows of a segment. `sizeBytes`: up to there its records are indexed; `syncedBytes`: up to there they survive a power
 * loss.
 */
export interface SegmentRow { sizeBytes: number, syncedBytes: number, liveBytes: number, liveBlocks: number }

/** `sizeBytes` of a segment that is being removed. */
export const goingSizeBytes = -1

/** The row of a segment that was just created. */
export const noSegmentRow: Readonly<SegmentRow> = { sizeBytes: 0, syncedBytes: 0, liveBytes: 0, liveBlocks: 0 }

/** Where a block lies as the index stores it: segment, offset and length, 4 bytes each, little-endian. */
export function encodePlace ({ segment, offset, length }: Place): Uint8Array {
  const value = Buffer.allocUnsafe(12)
  value.writeUInt32LE(segment, 0)
  value.writeUInt32LE(offset, 4)
  value.writeUInt32LE(length, 8)
  return value
}

/** The reverse of `encodePlace`. */
export function decodePlace (value: Uint8Array): Place {
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  return { segment: view.getUint32(0, true), offset: view.getUint32(4, true), length: view.getUint32(8, true) }
}

/** Whether both are the same record. The length follows from it. */
export const samePlace = (a: Place, b: Place): boolean => a.segment === b.segment && a.offset === b.offset

/** Blocks have their multihash as key. None begins with 0: that is the identity hash, and such blocks are never stored. */
export const blockKeys = { gte: Uint8Array.of(1) }

/** Rows of segments: 0, 's', id. */
export function segmentKey (id: number): Uint8Array {
  const key = Buffer.from([0, 0x73, 0, 0, 0, 0])
  key.writeUInt32BE(id, 2)
  return key
}
/** The index keys of all segment rows: a zero byte, then `s` and the segment's number. */
export const segmentKeys = { gte: Uint8Array.of(0, 0x73), lt: Uint8Array.of(0, 0x74) }
/** The number of the segment that a key of the list of segments names. */
export const segmentIdOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset, key.length).getUint32(2)

/** Four numbers and their CRC-32: a segment with a wrong row could be taken for empty and removed. */
export function encodeSegmentRow (row: Readonly<SegmentRow>): Uint8Array {
  const value = Buffer.allocUnsafe(36)
  for (const [index, number] of [row.sizeBytes, row.syncedBytes, row.liveBytes, row.liveBlocks].entries()) {
    value.writeDoubleLE(number, index * 8)
  }
  value.writeUInt32LE(crc32(value.subarray(0, 32)), 32)
  return value
}

/** Undefined for a row that isn't right: the segment has to be read again. */
export function decodeSegmentRow (value: Uint8Array): SegmentRow | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  // older rows have no checksum
  const isRight = value.length === 32 || (value.length === 36 && crc32(value.subarray(0, 32)) === view.getUint32(32, true))
  if (!isRight) return undefined
  return {
    sizeBytes: view.getFloat64(0, true), syncedBytes: view.getFloat64(8, true), liveBytes: view.getFloat64(16, true),
    liveBlocks: view.getFloat64(24, true)
  }
}
