import { LevelReader } from './varint.ts'

/** A compressed block of a table never comes to this much: LevelDB's blocks are 4 KiB, one large row more. */
const largestBlockBytes = 64 * 1024 * 1024

/** Uncompresses Snappy's raw format. Throws RangeError for bytes that are none. */
export function uncompressed (bytes: Buffer): Buffer {
  const reader = new LevelReader(bytes)
  const length = reader.varint()
  if (length > largestBlockBytes) throw new RangeError('a compressed block is too large')
  const out = Buffer.allocUnsafe(length)
  let filled = 0
  while (!reader.isAtEnd) {
    const tag = reader.byte()
    if ((tag & 3) === 0) {
      const literal = reader.take(literalLength(tag >>> 2, reader))
      if (filled + literal.length > length) throw new RangeError('a compressed block holds too much')
      filled += literal.copy(out, filled)
    } else filled = copy(out, filled, copyOf(tag, reader))
  }
  if (filled !== length) throw new RangeError('a compressed block holds too little')
  return out
}

function literalLength (code: number, reader: LevelReader): number {
  return (code < 60 ? code : reader.take(code - 59).readUIntLE(0, code - 59)) + 1
}

function copyOf (tag: number, reader: LevelReader): { offset: number, length: number } {
  if ((tag & 3) === 1) return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) | reader.byte() }
  const bytes = (tag & 3) === 2 ? 2 : 4
  return { length: (tag >>> 2) + 1, offset: reader.take(bytes).readUIntLE(0, bytes) }
}

/** A copy may reach into what it writes itself: that repeats a pattern. */
function copy (out: Buffer, filled: number, { offset, length }: { offset: number, length: number }): number {
  if (offset === 0 || offset > filled || filled + length > out.length) throw new RangeError('a compressed block refers to nothing')
  if (offset >= length) out.copy(out, filled, filled - offset, filled - offset + length)
  else for (let i = 0; i < length; i++) out[filled + i] = out[filled + i - offset] ?? 0
  return filled + length
}
