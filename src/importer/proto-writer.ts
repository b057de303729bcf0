import { writeVarint } from '../base/varint.ts'

/** A growing buffer for protobuf and CBOR. It is used again after `reset`; `take` gives a copy. */
export class ProtoWriter {
  #bytes: Buffer
  length = 0

  constructor (capacityBytes = 256) { this.#bytes = Buffer.allocUnsafeSlow(capacityBytes) }

  /** What was written, valid until the next call. */
  get view (): Uint8Array { return this.#bytes.subarray(0, this.length) }

  reset (): void { this.length = 0 }

  byte (value: number): void {
    this.#reserve(1)
    this.#bytes[this.length++] = value
  }

  varint (value: number): void {
    this.#reserve(10)
    this.length = writeVarint(this.#bytes, value, this.length)
  }

  /** A tag byte and a number. */
  number (tag: number, value: number): void {
    this.byte(tag)
    this.varint(value)
  }

  /** A tag byte, a length and bytes. */
  bytes (tag: number, value: Uint8Array): void {
    this.number(tag, value.length)
    this.raw(value)
  }

  raw (value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.length)
    this.length += value.length
  }

  /** A tag byte, a length and UTF-8 text of `byteLength` bytes. */
  text (tag: number, value: string, byteLength: number): void {
    this.number(tag, byteLength)
    this.#reserve(byteLength)
    this.#bytes.write(value, this.length, byteLength, 'utf8')
    this.length += byteLength
  }

  #reserve (more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + more))
    larger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = larger
  }
}
