import type { PeerId } from '../../model/cid.ts'
import { parseCid, peerIdBytes, peerIdFromBytes } from '../../model/cid.ts'
import { identityHash, libp2pKeyCodec, sha256Hash } from '../../model/multicodec.ts'

/** Reads a peer ID: base58 multihash, or a CID of codec libp2p-key. The base58 text; throws with Go's words when it isn't one. */
export function parsePeerId (text: string): PeerId {
  if (text.startsWith('Qm') || text.startsWith('1')) return checked(text)
  const cid = parseCid(text)
  if (cid.code !== libp2pKeyCodec) throw new Error(`can't convert CID of type ${cid.code} to a peer ID`)
  return checked(peerIdFromBytes(cid.multihash.bytes))
}

/** The same; undefined when it isn't one. */
export function tryPeerId (text: string): PeerId | undefined {
  try {
    return parsePeerId(text)
  } catch {
    return undefined
  }
}

function checked (peer: PeerId): PeerId {
  const bytes = peerIdBytes(peer)
  const [code, length] = bytes
  const isHash = (code === sha256Hash && length === 32) || (code === identityHash && length != null && length > 0 && length < 128)
  if (!isHash || bytes.length !== length + 2) throw new Error('length greater than remaining number of bytes in buffer')
  return peer
}
