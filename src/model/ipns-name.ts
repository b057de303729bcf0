import { base36 } from 'multiformats/bases/base36'
import type { MultihashDigest } from 'multiformats'
import * as Digest from 'multiformats/hashes/digest'
import { identityHash, libp2pKeyCodec, sha256Hash } from './multicodec.ts'
import { CID, maxPeerIdBytes, parseCid, peerIdBytes, peerIdFromBytes } from './cid.ts'
import type { PeerId } from './cid.ts'

/** Longest key that a peer ID holds itself. */
const maxInlineBytes = 42

/**
 * The peer ID of a key behind `/ipns/…`: base58 ("12D3KooW…", "Qm…") or a CIDv1 with codec libp2p-key in any base. Undefined for everything
 * else, which may be a domain.
 */
export function parseIpnsKey (text: string): PeerId | undefined {
  try {
    const bytes = /^(1|Qm)/.test(text) ? peerIdBytes(text) : multihashOf(parseCid(text))
    return bytes != null && isPeerMultihash(bytes) ? peerIdFromBytes(bytes) : undefined
  } catch {
    return undefined
  }
}

const multihashOf = (cid: CID): Uint8Array | undefined => cid.version === 1 && cid.code === libp2pKeyCodec ? cid.multihash.bytes : undefined

function isPeerMultihash (bytes: Uint8Array): boolean {
  const { code, size } = Digest.decode(bytes)
  return code === sha256Hash ? size === 32 : code === identityHash && size > 0 && size <= maxInlineBytes
}

/** The CID of a key: version 1, libp2p-key. */
export const ipnsCid = (key: PeerId | MultihashDigest): CID =>
  CID.createV1(libp2pKeyCodec, typeof key === 'string' ? Digest.decode(peerIdBytes(key)) : key)

/** A key as `/ipns/…` paths have it: the CID in base36 ("k51…"). */
export const ipnsKeyText = (peer: PeerId): string => ipnsCid(peer).toString(base36)

const prefix = new TextEncoder().encode('/ipns/')

/** What routing systems know the record of a key by. */
export function ipnsRoutingKey (peer: PeerId): Uint8Array {
  const multihash = peerIdBytes(peer)
  const key = new Uint8Array(prefix.length + multihash.length)
  key.set(prefix)
  key.set(multihash, prefix.length)
  return key
}

/** The peer ID in such a key; undefined when it is none. */
export function peerOfRoutingKey (key: Uint8Array): PeerId | undefined {
  if (prefix.some((byte, at) => key[at] !== byte) || key.length > prefix.length + maxPeerIdBytes) return undefined
  return parseIpnsKey(peerIdFromBytes(key.subarray(prefix.length)))
}
