import { base32Key, cidOfOwnBytes, fromBase32Key } from '../model/cid.ts'
import type { CID } from '../model/cid.ts'

/** With the slash. */
const keyLengths = { least: 5, most: 513 }

/** The CRDT key of a pin: slash and base32 of the CID's bytes (go-ds-crdt). */
export const pinKey = (cid: CID): string => `/${base32Key(cid.bytes)}`

/** The CID of a pin key; undefined when it isn't one. */
export function cidOfPinKey (key: string): CID | undefined {
  if (key[0] !== '/' || key.length < keyLengths.least || key.length > keyLengths.most) return undefined
  try {
    const bytes = fromBase32Key(key, 1)
    if (bytes == null) return undefined
    const cid = cidOfOwnBytes(bytes)
    // other spellings (long varints) would make two keys of one CID
    return sameBytes(cid.bytes, bytes) ? cid : undefined
  } catch {
    return undefined
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0
