/** Bytes that a number takes as an unsigned varint (LEB128, as protobuf and multiformats have it). Safe integers only. */
export function varintLength (value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  let length = 5
  for (let rest = Math.floor(value / 0x800000000); rest > 0; rest = Math.floor(rest / 128)) length++
  return length
}

/** Writes a varint at `at` and gives the offset behind it. Safe integers only. */
export function writeVarint (target: Uint8Array, value: number, at: number): number {
  let rest = value
  for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at++] = rest
  return at
}

/** The bytes of a number as an unsigned varint, such as the length before a frame. Safe integers only. */
export function varintBytes (value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value))
  writeVarint(bytes, value, 0)
  return bytes
}

/** A length-delimited field of protobuf: its tag (of one byte), the length, the bytes. */
export const lengthDelimited = (tag: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(tag), varintBytes(bytes.length), bytes])
