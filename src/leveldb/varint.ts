/** Reads LevelDB's little-endian numbers one after the other. What reaches over the end throws RangeError. */
export class LevelReader {
  readonly bytes: Buffer
  at: number
  readonly end: number

  constructor (bytes: Buffer, from = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = from
    this.end = end
  }

  get isAtEnd (): boolean { return this.at >= this.end }

  /** A varint of up to 53 bits. */
  varint (): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new RangeError('a varint is too long')
  }

  byte (): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined
    if (byte == null) throw new RangeError('the bytes are truncated')
    this.at++
    return byte
  }

  /** So many bytes, as a view. */
  take (length: number): Buffer {
    if (length > this.end - this.at) throw new RangeError('the bytes are truncated')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Bytes that have their length in front. */
  text (): Buffer { return this.take(this.varint()) }
}
