import type { Random } from '../../base/clock.ts'

const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** `length` letters and digits (62 of them, equally likely): 22 have 130 bits. */
export function randomText (random: Random, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      // 248 = 4 * 62: what is above would make the first letters likelier
      if (byte < 248 && text.length < length) text += letters[byte % 62]
    }
  }
  return text
}

/** An id that nobody can guess. */
export const opaqueId = (random: Random): string => randomText(random, 22)

/** A random UUID (version 4) as text. */
export function uuid (random: Random): string {
  const bytes = Uint8Array.from(random.bytes(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
