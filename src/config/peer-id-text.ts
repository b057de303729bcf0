import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { maxSlowText } from '../model/cid.ts'
import { identityHash, sha256Hash } from '../model/multicodec.ts'

/**
 * The base58 form of a peer ID that is given in base58 ("12D3Koo…", "Qm…") or as a CID ("k51…", "bafz…"); undefined when the text isn't
 * one. Done by hand because loading libp2p for it would double the time to `--version`.
 */
export function normalPeerId (text: string): string | undefined {
  if (text.length > maxSlowText) return undefined
  try {
    const multihash = /^(12D3|1|Qm)/.test(text) ? base58btc.decode(`z${text}`) : libp2pKeyMultihash(text)
    return multihash != null && isPeerMultihash(multihash) ? base58btc.encode(multihash).slice(1) : undefined
  } catch {
    return undefined
  }
}

/** The multihash inside a CIDv1 with the libp2p-key codec (01 72 …). */
function libp2pKeyMultihash (text: string): Uint8Array | undefined {
  const decoder = { k: base36, b: base32, z: base58btc }[text[0] ?? '']
  const bytes = decoder?.decode(text)
  return bytes?.[0] === 0x01 && bytes[1] === 0x72 ? bytes.subarray(2) : undefined
}

function isPeerMultihash (bytes: Uint8Array): boolean {
  const [hash, length] = bytes
  if (length !== bytes.length - 2) return false
  return hash === sha256Hash ? length === 32 : hash === identityHash && length > 2 && length <= 42
}
