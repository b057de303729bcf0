/** Bytes that a number takes as a protobuf varint. Safe integers only. */
export function varintLength (value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  let length = 5
  for (let rest = Math.floor(value / 0x800000000); rest > 0; rest = Math.floor(rest / 128)) length++
  return length
}

/** Writes a varint at `at` and gives the offset behind it. */
export function writeVarint (target: Uint8Array, value: number, at: number): number {
  let rest = value
  for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at++] = rest
  return at
}

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
