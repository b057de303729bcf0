import { bad, defaultLimits, ValueScan, type MsgpackLimits } from './msgpack-scan.ts'

/**
 * The msgpack dialect of Go's codec (ugorji/go/codec): the old specification, in which text and bytes are both "raw" (a0, da, db), integers
 * are written in signed or unsigned families, and nothing uses extensions. Reading is more tolerant, as Go's is.
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
    else if (value >= -2147483648 && value <= 2147483647) {
      buffer[at] = 0xd2; buffer.writeInt32BE(Number(value), at + 1); this.#length += 5
    }
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
    const { end } = new ValueScan(this.#limits, this.#at).advance(this.#buffer)
    this.#at = end ?? bad('the end', this.#buffer.length)
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
