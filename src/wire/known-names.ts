import { latin1 } from '../base/text/latin1.ts'
import type { MultiaddrText, PeerId } from '../model/cid.ts'
import { peerIdBytes, peerIdFromBytes } from '../model/cid.ts'
import { multiaddrBytes, multiaddrFromBytes } from '../model/multiaddr.ts'

/**
 * Peer IDs and addresses between bytes and text, as `peerIdBytes`, `multiaddrBytes` and so on, which throw. Base58 takes 4 µs, and an
 * address more; a cluster has few of both. They are remembered, up to a bound that hostile messages can't raise.
 */
const maxRemembered = 4096
/** Longer ones are no peer's usual names. Bytes. */
const maxRememberedBytes = 256

const peerTexts = new Map<string, PeerId>()
const peersBytes = new Map<PeerId, Uint8Array>()
const addressTexts = new Map<string, MultiaddrText>()
const addressesBytes = new Map<MultiaddrText, Uint8Array>()

/** The text of a peer ID's bytes. */
export const peerText = (bytes: Uint8Array): PeerId => remembered(peerTexts, latin1(bytes), () => peerIdFromBytes(bytes))

/** The bytes of a peer ID, which must not be changed. */
export const peerBytes = (peer: PeerId): Uint8Array => remembered(peersBytes, peer, () => peerIdBytes(peer))

/** The text of an address's bytes. */
export const addressText = (bytes: Uint8Array): MultiaddrText => remembered(addressTexts, latin1(bytes), () => multiaddrFromBytes(bytes))

/** The bytes of an address, which must not be changed. */
export const addressBytes = (address: MultiaddrText): Uint8Array => remembered(addressesBytes, address, () => multiaddrBytes(address))

function remembered<T> (memory: Map<string, T>, key: string, compute: () => T): T {
  if (key.length > maxRememberedBytes) return compute()
  const known = memory.get(key)
  if (known !== undefined) return known
  const value = compute()
  if (memory.size >= maxRemembered) memory.clear()
  memory.set(key, value)
  return value
}
