/** Reads protobuf by hand: where a few parts of many blocks are wanted. Throws when the bytes aren't what they should be. */
export class ProtobufScanner {
  readonly bytes: Uint8Array
  at: number

  constructor (bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  /** A number that ends before `end`. Up to 2^53. */
  varint (end: number): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.at < end ? this.bytes[this.at++] : undefined
      if (byte == null || scale > 2 ** 63) throw new Error('a number is cut off')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  /** Where the length-delimited value ends that begins here. */
  end (before: number): number {
    const length = this.varint(before)
    if (this.at + length > before) throw new Error('a value is cut off')
    return this.at + length
  }

  part (before: number): Uint8Array {
    const end = this.end(before)
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }

  /** Passes over the value of a tag. */
  skip (tag: number, end: number): void {
    const wireType = tag & 7
    if (wireType === 0) this.varint(end)
    else if (wireType === 1) this.#forward(8, end)
    else if (wireType === 2) this.at = this.end(end)
    else if (wireType === 5) this.#forward(4, end)
    else throw new Error(`wire type ${wireType} is unknown`)
  }

  #forward (length: number, end: number): void {
    if (this.at + length > end) throw new Error('a value is cut off')
    this.at += length
  }
}
