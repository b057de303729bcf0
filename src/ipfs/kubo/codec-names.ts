/**
 * Names of the multicodec table that Kubo's `block/put` wants. What isn't here goes as `raw`: Kubo stores blocks by multihash, the codec is
 * only echoed.
 */
const codecs: Record<number, string> = {
  0x51: 'cbor', 0x55: 'raw', 0x70: 'dag-pb', 0x71: 'dag-cbor', 0x72: 'libp2p-key', 0x78: 'git-raw', 0x85: 'dag-jose', 0x0129: 'dag-json',
  0x0200: 'json'
}

/** Kubo's name of a codec for `block/put`; raw for others, whose bytes are the same. */
export const codecName = (code: number): string => codecs[code] ?? 'raw'
