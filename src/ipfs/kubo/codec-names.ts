/** Names of the multicodec table that Kubo's `block/put` wants. What isn't here goes as `raw`: Kubo stores blocks by multihash, the codec is only echoed. */
const codecs: Record<number, string> = {
  0x51: 'cbor', 0x55: 'raw', 0x70: 'dag-pb', 0x71: 'dag-cbor', 0x72: 'libp2p-key', 0x78: 'git-raw', 0x85: 'dag-jose', 0x0129: 'dag-json', 0x0200: 'json'
}

const hashes: Record<number, string> = {
  0x00: 'identity', 0x11: 'sha1', 0x12: 'sha2-256', 0x13: 'sha2-512', 0x14: 'sha3-512', 0x15: 'sha3-384', 0x16: 'sha3-256', 0x17: 'sha3-224', 0x18: 'shake-128', 0x19: 'shake-256',
  0x1a: 'keccak-224', 0x1b: 'keccak-256', 0x1c: 'keccak-384', 0x1d: 'keccak-512', 0x1e: 'blake3', 0x56: 'dbl-sha2-256',
  ...Object.fromEntries(Array.from({ length: 64 }, (_, i) => [0xb201 + i, `blake2b-${8 * (i + 1)}`])),
  ...Object.fromEntries(Array.from({ length: 32 }, (_, i) => [0xb241 + i, `blake2s-${8 * (i + 1)}`]))
}

export const codecName = (code: number): string => codecs[code] ?? 'raw'

/** Undefined: Kubo has no such function. */
export const hashName = (code: number): string | undefined => hashes[code]
