import { bases } from 'multiformats/basics'

/** Why a longer text is no CID isn't looked for. */
const longestExplained = 1024

const cutShort = 'invalid cid: varints malformed, could not reach the end'

/** What Go says of a text that is no CID. */
export function whyNoCid (text: string): string {
  if (text.length < 2) return 'cid too short'
  if (text.length > longestExplained) return `the text has ${text.length} characters`
  if (text.length === 46 && text.startsWith('Qm')) return "input isn't valid multihash"
  const base = Object.values(bases).find(({ prefix }) => prefix !== '\0' && text.startsWith(prefix))
  if (base == null) return 'selected encoding not supported'
  const illegal = /^b/i.test(text) ? text.slice(1).search(/[^a-z2-7]/i) : -1
  if (illegal >= 0) return `illegal base32 data at input byte ${illegal}`
  try {
    return whyNoCidBytes(/^b/i.test(text) ? base32Bytes(text.slice(1)) : base.decoder.decode(text))
  } catch {
    return cutShort
  }
}

/** Without regard to bits that are left over, unlike multiformats. */
function base32Bytes (text: string): Uint8Array {
  const bits = [...text.toLowerCase()].map(one => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(one).toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], byte => parseInt(byte, 2))
}

function whyNoCidBytes (bytes: Uint8Array): string {
  const version = varintAt(bytes, 0)
  if (version == null) return cutShort
  if (version.value !== 1) return `invalid cid: expected 1 as the cid version number, got: ${version.value}`
  const codec = varintAt(bytes, version.end)
  const hash = codec == null ? undefined : varintAt(bytes, codec.end)
  const length = hash == null ? undefined : varintAt(bytes, hash.end)
  if (codec == null || codec.end === bytes.length) return codec == null ? cutShort : 'invalid cid: multihash too short. must be >= 2 bytes'
  if (length == null) return bytes.length - codec.end < 2 ? 'invalid cid: multihash too short. must be >= 2 bytes' : cutShort
  return bytes.length - length.end < length.value
    ? 'invalid cid: length greater than remaining number of bytes in buffer'
    : 'trailing bytes in data buffer passed to cid Cast'
}

/** The varint there, and where it ends; undefined when it is cut off. */
function varintAt (bytes: Uint8Array, start: number): { value: number, end: number } | undefined {
  let value = 0
  for (let at = start; at < bytes.length && at < start + 7; at++) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return undefined
}
