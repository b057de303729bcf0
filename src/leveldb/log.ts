import { crc32c, unmasked } from './crc32c.ts'
import { LevelReader } from './varint.ts'

/**
 * A logical record of a log or a MANIFEST. `intact` false: a checksum is wrong; the payload may be right all the same, or partly. `next`:
 * where the record behind it begins.
 */
export interface LogRecord { offset: number, next: number, payload: Buffer, intact: boolean }

/** How a log ends: `torn` when the writer died in the middle of a record, at `endsAt`. */
export interface LogEnd { endsAt: number, torn: boolean }

const blockBytes = 32 * 1024
const headerBytes = 7
const types = { full: 1, first: 2, middle: 3, last: 4 }

/** A piece of a record. `type` 0: what stands there is no header. */
interface Piece { type: number, from: number, to: number, intact: boolean }

/**
 * Reads the records of LevelDB's log format: blocks of 32 KiB with pieces of records, each with a CRC-32C. LevelDB drops the rest of a
 * block behind a wrong checksum; here the next piece is looked for, so that only what is damaged is lost. Returns how the log ends.
 */
export function * logRecords (bytes: Buffer): Generator<LogRecord, LogEnd> {
  let begun: { offset: number, parts: Buffer[], intact: boolean } | undefined
  let at = 0
  while (at < bytes.length) {
    const left = blockBytes - at % blockBytes
    if (left < headerBytes) {
      at += left
      continue
    }
    const piece = pieceAt(bytes, at)
    if (piece === 'torn') return { endsAt: begun?.offset ?? at, torn: true }
    if (piece === 'empty') {
      // room that was set aside and never written
      if (begun != null) yield { offset: begun.offset, next: at, payload: Buffer.concat(begun.parts), intact: false }
      return { endsAt: begun?.offset ?? at, torn: true }
    }
    const { type, from, to, intact } = piece
    const payload = bytes.subarray(from, to)
    const continues = type === types.middle || type === types.last
    if (begun != null && !continues) {
      yield { offset: begun.offset, next: at, payload: Buffer.concat(begun.parts), intact: false }
      begun = undefined
    }
    if (type === types.first) begun = { offset: at, parts: [payload], intact }
    else if (begun != null && continues) {
      begun.parts.push(payload)
      begun.intact &&= intact
      if (type === types.last) {
        yield { offset: begun.offset, next: to, payload: Buffer.concat(begun.parts), intact: begun.intact }
        begun = undefined
      }
    } else yield { offset: at, next: to, payload, intact: intact && type === types.full }
    at = to
  }
  return { endsAt: begun?.offset ?? bytes.length, torn: begun != null }
}

function pieceAt (bytes: Buffer, at: number): Piece | 'torn' | 'empty' {
  const blockEnd = Math.min(bytes.length, at + blockBytes - at % blockBytes)
  if (at + headerBytes > bytes.length) return 'torn'
  const length = bytes.readUInt16LE(at + 4)
  const type = bytes[at + 6] ?? 0
  const from = at + headerBytes
  const to = from + length
  if (type >= types.full && type <= types.last && to <= blockEnd && isRight(bytes, at, to)) return { type, from, to, intact: true }
  if (isZero(bytes, at)) return 'empty'
  // a whole piece behind it: only this one is damaged
  const next = nextPiece(bytes, from, blockEnd)
  if (next != null) return { type: next === to ? type : 0, from, to: next, intact: false }
  if (to > bytes.length && blockEnd === bytes.length && type >= types.full && type <= types.last) return 'torn'
  return { type: 0, from, to: blockEnd, intact: false }
}

const isRight = (bytes: Buffer, at: number, to: number): boolean => crc32c(bytes, at + 6, to) === unmasked(bytes.readUInt32LE(at))

/** Where the next piece of the block begins whose checksum is right; undefined when there is none. */
function nextPiece (bytes: Buffer, from: number, blockEnd: number): number | undefined {
  for (let at = from; at + headerBytes <= blockEnd; at++) {
    const type = bytes[at + 6] ?? 0
    const to = at + headerBytes + bytes.readUInt16LE(at + 4)
    if (type >= types.full && type <= types.last && to <= blockEnd && to > at + headerBytes && isRight(bytes, at, to)) return at
  }
  return undefined
}

function isZero (bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

/** One change of a batch; `value` undefined deletes the key. */
export interface LevelRow { key: Buffer, value: Buffer | undefined }

/** A batch of the log: its rows have the numbers `sequence`, `sequence + 1`, … */
export interface LoggedBatch { sequence: number, count: number, rows: LevelRow[], whole: boolean }

/** What can be read of a batch; `whole` when that is all of it. */
export function loggedBatch (payload: Buffer): LoggedBatch {
  const batch: LoggedBatch = { sequence: 0, count: 0, rows: [], whole: false }
  if (payload.length < 12) return batch
  batch.sequence = Number(payload.readBigUInt64LE(0))
  batch.count = payload.readUInt32LE(8)
  const reader = new LevelReader(payload, 12)
  try {
    while (!reader.isAtEnd) {
      const type = reader.byte()
      if (type > 1) return batch
      const key = reader.text()
      batch.rows.push({ key, value: type === 1 ? reader.text() : undefined })
    }
  } catch {
    return batch
  }
  batch.whole = batch.rows.length === batch.count
  return batch
}
