import { varintLength, writeVarint } from '../base/varint.ts'
import { ClusterError } from '../base/errors.ts'

/** The wire types that proto3 uses. Groups (3, 4) are refused. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const maxVarintBytes = 10
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws INVALID_DATA: these bytes are not what they should be. */
export function invalidBytes (why: string, cause?: unknown): never {
  throw new ClusterError('INVALID_DATA', { why }, { message: `invalid bytes: ${why}`, cause })
}

/**
 * Reads protobuf fields from untrusted bytes. Nothing is allocated by a length that the input claims: byte fields are views of the input.
 * Every malformed input throws INVALID_DATA.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array
  #at = 0
  /** Of the field that `next` found. */
  field = 0
  wireType = 0

  constructor (bytes: Uint8Array) { this.#bytes = bytes }

  /** Moves to the next field; false at the end. */
  next (): boolean {
    if (this.#at >= this.#bytes.length) return false
    const tag = this.uint()
    this.field = Math.floor(tag / 8)
    this.wireType = tag % 8
    if (this.field === 0 || this.field > 0x1fffffff) invalidBytes('a field number is out of range')
    return true
  }

  /** True when the current field has this number and wire type. A known number with another wire type is an unknown field, as in Go. */
  is (field: number, wireType: number): boolean { return this.field === field && this.wireType === wireType }

  /** An unsigned integer up to 2^53 - 1; larger ones throw. */
  uint (): number {
    const value = this.uint64()
    return typeof value === 'number' ? value : invalidBytes('an integer is impossibly large')
  }

  /** An unsigned 64-bit integer; a bigint only when it exceeds 2^53 - 1. */
  uint64 (): number | bigint {
    const first = this.#bytes[this.#at]
    if (first != null && first < 0x80) {
      this.#at++
      return first
    }
    let value = 0
    for (let count = 0, scale = 1; count < maxVarintBytes; count++, scale *= 128) {
      const byte = this.#byte()
      if (count > 6) return this.#long(value, count, byte)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return invalidBytes('a varint is too long')
  }

  /** A zigzag integer, cut to 32 bits as Go does. */
  sint32 (): number {
    const value = this.uint64()
    const raw = typeof value === 'number' && value < 2 ** 32 ? value : Number(BigInt.asUintN(32, BigInt(value)))
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** A view of the input. */
  bytes (): Uint8Array {
    const length = this.uint()
    if (length > this.#bytes.length - this.#at) invalidBytes('a length exceeds the input')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text (): string {
    const bytes = this.bytes()
    if (bytes.length === 0) return ''
    try { return strictText.decode(bytes) } catch (err) { return invalidBytes('a text is not UTF-8', err) }
  }

  /** Passes over the current field's content. */
  skip (): void {
    switch (this.wireType) {
      case wireTypes.varint: this.uint64(); return
      case wireTypes.bytes: this.bytes(); return
      case wireTypes.fixed64: this.#forward(8); return
      case wireTypes.fixed32: this.#forward(4); return
      default: invalidBytes('a wire type is not known')
    }
  }

  #forward (count: number): void {
    if (count > this.#bytes.length - this.#at) invalidBytes('the input is cut off')
    this.#at += count
  }

  #byte (): number {
    const byte = this.#bytes[this.#at++]
    return byte ?? invalidBytes('the input is cut off')
  }

  /** Goes on where doubles are no longer exact: `low` holds the first 49 bits. */
  #long (low: number, count: number, first: number): number | bigint {
    let value = BigInt(low)
    let byte = first
    for (let at = count; ; at++) {
      value += BigInt(byte & 0x7f) << BigInt(7 * at)
      if (byte < 0x80) break
      if (at + 1 >= maxVarintBytes) invalidBytes('a varint is too long')
      byte = this.#byte()
    }
    value = BigInt.asUintN(64, value)
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  }
}

/** Writes protobuf fields in the order of the calls. The writer grows as needed, and can be used again after `reset`. */
export class ProtobufWriter {
  #bytes: Buffer
  #at = 0

  constructor (expectedBytes = 256) { this.#bytes = Buffer.allocUnsafe(expectedBytes) }

  get length (): number { return this.#at }
  /** What was written, valid until the next call. */
  get view (): Uint8Array { return this.#bytes.subarray(0, this.#at) }

  reset (): this {
    this.#at = 0
    return this
  }

  /** A copy of what was written. */
  copy (): Uint8Array {
    const copy = Buffer.allocUnsafe(this.#at)
    this.#bytes.copy(copy, 0, 0, this.#at)
    return copy
  }

  /** A varint field, also when it is zero. */
  uintField (field: number, value: number | bigint): this {
    return this.#tag(field, wireTypes.varint).varint(value)
  }

  /** A zigzag field (32 bits). */
  sintField (field: number, value: number): this {
    return this.uintField(field, ((value << 1) ^ (value >> 31)) >>> 0)
  }

  bytesField (field: number, value: Uint8Array): this {
    this.#tag(field, wireTypes.bytes).varint(value.length)
    return this.raw(value)
  }

  /** `length`: of the text as UTF-8, where that is known. */
  textField (field: number, value: string, length = Buffer.byteLength(value)): this {
    this.#tag(field, wireTypes.bytes).varint(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(value, this.#at)
    return this
  }

  /** The header of a nested message whose `length` bytes follow by further calls. */
  messageHeader (field: number, length: number): this {
    return this.#tag(field, wireTypes.bytes).varint(length)
  }

  byte (value: number): this {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
    return this
  }

  raw (value: Uint8Array): this {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  varint (value: number | bigint): this {
    this.#reserve(maxVarintBytes)
    if (typeof value === 'bigint') return this.#bigVarint(value)
    this.#at = writeVarint(this.#bytes, value, this.#at)
    return this
  }

  /** What was written; the writer must not be used afterwards. */
  finish (): Uint8Array { return this.#bytes.subarray(0, this.#at) }

  #bigVarint (value: bigint): this {
    let rest = BigInt.asUintN(64, value)
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#at++] = Number(rest)
    return this
  }

  #tag (field: number, wireType: number): this { return this.varint(field * 8 + wireType) }

  #reserve (count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** Bytes that a length-delimited field with a one-byte tag (numbers 1 to 15) takes. */
export const fieldLength = (contentBytes: number): number => 1 + varintLength(contentBytes) + contentBytes
