import { CID } from 'multiformats/cid'
import { base58btc } from 'multiformats/bases/base58'
import { bases } from 'multiformats/basics'
import { Digest } from 'multiformats/hashes/digest'
import { base32, base32Upper, fromBase32, fromBase32Upper } from '../base/text/base32.ts'
import { ClusterError, messageOf } from '../base/errors.ts'
import { whyNoCid } from './cid-reason.ts'

export { CID }

/** A base58btc peer ID ("12D3KooW…", "Qm…"), as JSON has it. */
export type PeerId = string

/** A multiaddress as text. */
export type MultiaddrText = string

/**
 * What a text in base 58, 36 or 10 may have, and the bytes of a peer ID: they are read and written in time that grows with the square of
 * their length. CIDs and peer IDs have some 60 characters; other bases take time that is linear, and may be longer.
 */
export const maxSlowText = 1024
/** libp2p's own are 44 bytes at most, an inlined key of 42 with its head; longer ones are not parsed. */
export const maxPeerIdBytes = 256
const slowPrefixes = new Set('Qz1ZkK9')

const tooLong = `the text has more than ${maxSlowText} characters`

/** True for what `parseCid` refuses because of its length. */
export const isTooLongForCid = (text: string): boolean => text.length > maxSlowText && slowPrefixes.has(text[0] ?? '')

// the union type of all bases can't be spelled
const decoders = Object.values(bases).map(base => base.decoder).reduce<any>((all, one) => all == null ? one : all.or(one), null)

/** Parses a CID in any multibase. Throws INVALID_CID with Go's message ("invalid cid: …"), and for a text that is too long. */
export function parseCid (text: string): CID {
  if (isTooLongForCid(text)) throw new ClusterError('INVALID_CID', { cid: text.slice(0, 200) }, { message: `invalid cid: ${tooLong}` })
  const usual = text.startsWith('b') ? usualCid(fromBase32(text, 1)) : undefined
  if (usual != null) return usual
  try {
    return text.startsWith('Qm') && text.length === 46 ? CID.parse(text) : CID.parse(text, decoders)
  } catch (err) {
    throw new ClusterError('INVALID_CID', { cid: text.slice(0, 200) }, { message: `invalid cid: ${whyNoCid(text)}`, cause: err })
  }
}

/** The same; undefined for a text that is no CID. */
export function tryParseCid (text: string): CID | undefined {
  try {
    return parseCid(text)
  } catch {
    return undefined
  }
}

/** As `CID.decode`, of bytes that belong to the CID from then on. */
export const cidOfOwnBytes = (bytes: Uint8Array<ArrayBuffer>): CID => usualCid(bytes) ?? CID.decode(bytes)

/**
 * Version 1, with a codec, a hash and a length below 128: these are assembled here, because reading them number by number takes several
 * times as long. Undefined for all others.
 */
function usualCid (bytes: Uint8Array<ArrayBuffer> | undefined): CID | undefined {
  if (bytes?.[0] !== 1) return undefined
  const codec = bytes[1] ?? 0x80
  const hash = bytes[2] ?? 0x80
  const length = bytes[3] ?? 0x80
  if (codec >= 0x80 || hash >= 0x80 || length >= 0x80 || bytes.length !== 4 + length) return undefined
  return new CID(1, codec, new Digest(hash, length, bytes.subarray(4), bytes.subarray(2)), bytes)
}

/** Whether `parseCid` takes it. */
export const isCid = (text: string): boolean => tryParseCid(text) != null

/** Decodes binary CID bytes; throws INVALID_CID. */
export function decodeCid (bytes: Uint8Array): CID {
  try {
    return CID.decode(bytes)
  } catch (err) {
    throw new ClusterError('INVALID_CID', {}, { message: `invalid cid: ${messageOf(err)}`, cause: err })
  }
}

/** The text form in which CIDs are printed: v0 base58, v1 base32. */
export const cidText = (cid: CID): string => cid.version === 1 ? `b${base32(cid.bytes)}` : cid.toString()

/** Bytes as upper-case base32 without padding or multibase prefix: the keys of the CRDT (go-ds-crdt). */
export const base32Key = (bytes: Uint8Array): string => base32Upper(bytes)

/** Undefined for what isn't such a key: lower case, padding, bits beyond the last byte. `from`: where it begins. */
export const fromBase32Key = (text: string, from = 0): Uint8Array<ArrayBuffer> | undefined => fromBase32Upper(text, from)

/** The multihash bytes of a peer ID text (identity or sha2-256 multihash). Throws INVALID_ARGUMENT. */
export function peerIdBytes (peer: PeerId): Uint8Array {
  try {
    if (peer.length > maxSlowText) throw new RangeError(tooLong)
    return base58btc.decode(`z${peer}`)
  } catch (err) {
    throw new ClusterError(
      'INVALID_ARGUMENT', { peer: peer.slice(0, 200) }, { message: `failed to parse peer ID: ${messageOf(err)}`, cause: err }
    )
  }
}

/** The text of a peer ID from its multihash bytes. Throws INVALID_DATA when they are too many. */
export function peerIdFromBytes (bytes: Uint8Array): PeerId {
  if (bytes.length > maxPeerIdBytes) {
    throw new ClusterError('INVALID_DATA', { sizeBytes: bytes.length }, { message: `a peer ID has more than ${maxPeerIdBytes} bytes` })
  }
  return base58btc.encode(bytes).slice(1)
}
