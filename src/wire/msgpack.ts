import { ClusterError } from '../base/errors.ts'

/**
 * The msgpack dialect of Go's codec (wire-rpc §4): the old specification, in which text and bytes are both "raw" (a0, da, db), integers are
 * written in signed or unsigned families, and nothing uses extensions. Reading is more tolerant, as Go's is.
 */
export class MsgpackWriter {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0
  /** What was written before the buffer. */
  readonly #before: Uint8Array[] = []

  /** The bytes written so far; the writer must not be used afterwards. */
  bytes (): Uint8Array { return this.#before.length === 0 ? this.#written() : Buffer.concat(this.parts()) }

  /** The same in pieces that follow each other; large raw values are the arrays that were given, not copies. */
  parts (): Uint8Array[] { return this.#length === 0 ? this.#before : [...this.#before, this.#written()] }

  #written (): Uint8Array { return this.#buffer.subarray(0, this.#length) }

  nil (): void { this.#byte(0xc0) }
  bool (value: boolean): void { this.#byte(value ? 0xc3 : 0xc2) }

  /** A Go signed integer: fixint, then int16, int32, int64 (Go never writes int8 for positive numbers). */
  int (value: number | bigint): void {
    if (value >= -32 && value <= 127) return this.#byte(Number(value) & 0xff)
    const at = this.#reserve(9)
    const buffer = this.#buffer
    if (value >= -128 && value < 0) { buffer[at] = 0xd0; buffer.writeInt8(Number(value), at + 1); this.#length += 2 }
    else if (value >= -32768 && value <= 32767) { buffer[at] = 0xd1; buffer.writeInt16BE(Number(value), at + 1); this.#length += 3 }
    else if (value >= -2147483648 && value <= 2147483647) { buffer[at] = 0xd2; buffer.writeInt32BE(Number(value), at + 1); this.#length += 5 }
    else { buffer[at] = 0xd3; buffer.writeBigInt64BE(BigInt(value), at + 1); this.#length += 9 }
  }

  /** A Go unsigned integer. */
  uint (value: number | bigint): void {
    if (value <= 127) return this.#byte(Number(value))
    const at = this.#reserve(9)
    const buffer = this.#buffer
    if (value <= 0xff) { buffer[at] = 0xcc; buffer[at + 1] = Number(value); this.#length += 2 }
    else if (value <= 0xffff) { buffer[at] = 0xcd; buffer.writeUInt16BE(Number(value), at + 1); this.#length += 3 }
    else if (value <= 0xffffffff) { buffer[at] = 0xce; buffer.writeUInt32BE(Number(value), at + 1); this.#length += 5 }
    else { buffer[at] = 0xcf; buffer.writeBigUInt64BE(BigInt(value), at + 1); this.#length += 9 }
  }

  float (value: number): void {
    const at = this.#reserve(9)
    this.#buffer[at] = 0xcb
    this.#buffer.writeDoubleBE(value, at + 1)
    this.#length += 9
  }

  /** Text or bytes. */
  raw (value: Uint8Array | string): void {
    const size = typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength
    this.#header(size, 0xa0, 31, 0xda, 0xdb)
    if (typeof value !== 'string' && size >= uncopiedBytes) {
      this.#before.push(this.#written(), value)
      this.#buffer = Buffer.allocUnsafe(256)
      this.#length = 0
      return
    }
    const at = this.#reserve(size)
    if (typeof value === 'string') this.#buffer.write(value, at)
    else this.#buffer.set(value, at)
    this.#length += size
  }

  array (length: number): void { this.#header(length, 0x90, 15, 0xdc, 0xdd) }
  map (length: number): void { this.#header(length, 0x80, 15, 0xde, 0xdf) }

  #header (size: number, fix: number, fixMax: number, head16: number, head32: number): void {
    if (size <= fixMax) return this.#byte(fix | size)
    const at = this.#reserve(5)
    if (size <= 0xffff) { this.#buffer[at] = head16; this.#buffer.writeUInt16BE(size, at + 1); this.#length += 3 }
    else { this.#buffer[at] = head32; this.#buffer.writeUInt32BE(size, at + 1); this.#length += 5 }
  }

  #byte (value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    this.#length++
  }

  #reserve (size: number): number {
    const needed = this.#length + size
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    return this.#length
  }
}

/** Raw values from this size on are kept as they are. */
const uncopiedBytes = 16 * 1024

/** What hostile peers may not exceed. */
export interface MsgpackLimits { depth: number, rawBytes: number, items: number }
export const defaultLimits: MsgpackLimits = { depth: 16, rawBytes: 4 << 20, items: 1 << 20 }

const bad = (what: string, at: number): never => { throw new ClusterError('INVALID_DATA', { at }, { message: `msgpack: ${what} at byte ${at}` }) }

/** Reads values one after the other from bytes that hold them whole. Throws INVALID_DATA for anything unexpected. */
export class MsgpackReader {
  readonly #buffer: Buffer
  readonly #limits: MsgpackLimits
  #at: number

  constructor (bytes: Uint8Array, at = 0, limits: MsgpackLimits = defaultLimits) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = at
    this.#limits = limits
  }

  get position (): number { return this.#at }

  /** True, and the value is consumed, when the next one is nil. */
  nil (): boolean {
    if (this.#peek() !== 0xc0) return false
    this.#at++
    return true
  }

  bool (): boolean {
    const head = this.#next()
    if (head === 0xc3 || head === 1) return true
    if (head === 0xc2 || head === 0xc0 || head === 0) return false
    return bad('not a boolean', this.#at - 1)
  }

  /** Any integer form, or a float without fraction. nil is 0. */
  bigint (): bigint {
    const head = this.#next()
    if (head <= 0x7f) return BigInt(head)
    if (head >= 0xe0) return BigInt(head - 256)
    switch (head) {
      case 0xc0: return 0n
      case 0xcc: return BigInt(this.#buffer.readUInt8(this.#take(1)))
      case 0xcd: return BigInt(this.#buffer.readUInt16BE(this.#take(2)))
      case 0xce: return BigInt(this.#buffer.readUInt32BE(this.#take(4)))
      case 0xcf: return this.#buffer.readBigUInt64BE(this.#take(8))
      case 0xd0: return BigInt(this.#buffer.readInt8(this.#take(1)))
      case 0xd1: return BigInt(this.#buffer.readInt16BE(this.#take(2)))
      case 0xd2: return BigInt(this.#buffer.readInt32BE(this.#take(4)))
      case 0xd3: return this.#buffer.readBigInt64BE(this.#take(8))
      case 0xca: case 0xcb: {
        const value = head === 0xca ? this.#buffer.readFloatBE(this.#take(4)) : this.#buffer.readDoubleBE(this.#take(8))
        return Number.isInteger(value) ? BigInt(value) : bad('a float where an integer belongs', this.#at)
      }
    }
    return bad('not an integer', this.#at - 1)
  }

  /** An integer within 2^53. */
  number (): number {
    const value = this.bigint()
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) bad('an integer out of range', this.#at)
    return Number(value)
  }

  float (): number {
    const head = this.#peek()
    if (head === 0xcb) { this.#at++; return this.#buffer.readDoubleBE(this.#take(8)) }
    if (head === 0xca) { this.#at++; return this.#buffer.readFloatBE(this.#take(4)) }
    return Number(this.bigint())
  }

  /** Raw, str or bin; nil is empty. The bytes are a view of the input. */
  raw (): Uint8Array {
    const head = this.#next()
    const size = this.#rawSize(head)
    if (size == null) return bad('neither text nor bytes', this.#at - 1)
    if (size > this.#limits.rawBytes) bad(`a value of ${size} bytes`, this.#at)
    const from = this.#take(size)
    return this.#buffer.subarray(from, from + size)
  }

  text (): string { return Buffer.from(this.raw()).toString('utf8') }

  /** The number of items; nil is 0. */
  array (): number { return this.#count(0x90, 0xdc, 0xdd, 'a list') }
  map (): number { return this.#count(0x80, 0xde, 0xdf, 'a map') }

  /** Passes over one value of any kind. */
  skip (): void {
    const measured = measureValue(this.#buffer, this.#at, this.#limits)
    if (measured.end == null) bad('the end', this.#buffer.length)
    else this.#at = measured.end
  }

  #count (fix: number, head16: number, head32: number, what: string): number {
    const head = this.#next()
    let count: number
    if (head === 0xc0) return 0
    if ((head & 0xf0) === fix) count = head & 0x0f
    else if (head === head16) count = this.#buffer.readUInt16BE(this.#take(2))
    else if (head === head32) count = this.#buffer.readUInt32BE(this.#take(4))
    else return bad(`not ${what}`, this.#at - 1)
    if (count > this.#limits.items) bad(`${what} of ${count} items`, this.#at)
    return count
  }

  #rawSize (head: number): number | undefined {
    if ((head & 0xe0) === 0xa0) return head & 0x1f
    switch (head) {
      case 0xc0: return 0
      case 0xd9: case 0xc4: return this.#buffer.readUInt8(this.#take(1))
      case 0xda: case 0xc5: return this.#buffer.readUInt16BE(this.#take(2))
      case 0xdb: case 0xc6: return this.#buffer.readUInt32BE(this.#take(4))
      // times as the timestamp extension: the payload is the same
      case 0xd6: this.#take(1); return 4
      case 0xd7: this.#take(1); return 8
      case 0xc7: { const size = this.#buffer.readUInt8(this.#take(1)); this.#take(1); return size }
    }
    return undefined
  }

  #peek (): number { return this.#at < this.#buffer.length ? this.#buffer[this.#at] as number : bad('the end', this.#at) }
  #next (): number { const head = this.#peek(); this.#at++; return head }
  #take (size: number): number {
    const from = this.#at
    if (from + size > this.#buffer.length) bad('the end', this.#buffer.length)
    this.#at += size
    return from
  }
}

/** Where a value ends, or at least how many bytes the buffer must hold before asking again makes sense. */
export type Measured = { end: number, need?: never } | { end?: never, need: number }

/**
 * Finds the end of the value at `at` without decoding it, so that streams can be read value by value with one copy. Throws INVALID_DATA for
 * nesting, lengths or counts above the limits.
 */
export function measureValue (buffer: Buffer, at: number, limits: MsgpackLimits = defaultLimits): Measured {
  let open = 1 // values still to pass over
  let position = at
  const depths: number[] = []
  while (open > 0) {
    if (position >= buffer.length) return { need: position + 1 }
    const head = buffer[position] as number
    const shape = shapeOf(buffer, position, head)
    if ('need' in shape) return { need: shape.need }
    if (shape.bytes > limits.rawBytes) bad(`a value of ${shape.bytes} bytes`, position)
    if (shape.items > limits.items) bad(`${shape.items} items`, position)
    position = shape.next
    open--
    if (shape.items > 0) {
      depths.push(open)
      if (depths.length > limits.depth) bad('too deep nesting', position)
      open += shape.items
      if (open > limits.items * 2) bad('too many items', position)
    }
    while (depths.length > 0 && open <= (depths.at(-1) ?? 0)) depths.pop()
    if (position > buffer.length) return { need: position + open }
  }
  return { end: position }
}

type Shape = { next: number, bytes: number, items: number } | { need: number }

function shapeOf (buffer: Buffer, at: number, head: number): Shape {
  const scalar = (size: number): Shape => ({ next: at + 1 + size, bytes: 0, items: 0 })
  const sized = (width: number, extra: number): Shape => {
    if (at + 1 + width > buffer.length) return { need: at + 1 + width }
    const bytes = buffer.readUIntBE(at + 1, width)
    return { next: at + 1 + width + extra + bytes, bytes, items: 0 }
  }
  const counted = (width: number, perItem: number): Shape => {
    if (at + 1 + width > buffer.length) return { need: at + 1 + width }
    return { next: at + 1 + width, bytes: 0, items: buffer.readUIntBE(at + 1, width) * perItem }
  }
  if (head <= 0x7f || head >= 0xe0) return scalar(0)
  if (head <= 0x8f) return { next: at + 1, bytes: 0, items: (head & 0x0f) * 2 }
  if (head <= 0x9f) return { next: at + 1, bytes: 0, items: head & 0x0f }
  if (head <= 0xbf) return { next: at + 1 + (head & 0x1f), bytes: head & 0x1f, items: 0 }
  switch (head) {
    case 0xc0: case 0xc2: case 0xc3: return scalar(0)
    case 0xc4: case 0xd9: return sized(1, 0)
    case 0xc5: case 0xda: return sized(2, 0)
    case 0xc6: case 0xdb: return sized(4, 0)
    case 0xc7: return sized(1, 1)
    case 0xc8: return sized(2, 1)
    case 0xc9: return sized(4, 1)
    case 0xca: case 0xce: case 0xd2: return scalar(4)
    case 0xcb: case 0xcf: case 0xd3: return scalar(8)
    case 0xcc: case 0xd0: return scalar(1)
    case 0xcd: case 0xd1: return scalar(2)
    case 0xd4: return scalar(2)
    case 0xd5: return scalar(3)
    case 0xd6: return scalar(5)
    case 0xd7: return scalar(9)
    case 0xd8: return scalar(17)
    case 0xdc: return counted(2, 1)
    case 0xdd: return counted(4, 1)
    case 0xde: return counted(2, 2)
    case 0xdf: return counted(4, 2)
  }
  return bad(`head byte ${head.toString(16)}`, at)
}
