import { blake2b } from '@noble/hashes/blake2.js'
import type { CID, PeerId } from '../model/cid.ts'
import { peerIdBytes } from '../model/cid.ts'

/**
 * Says for any CID which of these peers is closest to it: the one that acts when one of all has to (cluster.go). Every peer that sees the
 * same list finds the same one; of an empty list it is undefined. Distance: blake2b-256 of the CID's bytes XOR blake2b-256 of the peer ID's
 * bytes, the smallest wins as a big-endian number; at equal distance the peer named first. The peers are hashed once, so ask many CIDs of
 * one function. Throws INVALID_ARGUMENT for a peer ID that isn't one.
 */
export function closestAmong (peers: readonly PeerId[]): (cid: CID) => PeerId | undefined {
  const hashed = peers.map(peer => ({ peer, hash: hash256(peerIdBytes(peer)) }))
  return cid => {
    const target = hash256(cid.bytes)
    let closest = hashed[0]
    for (const one of hashed) if (closest != null && isCloser(one.hash, closest.hash, target)) closest = one
    return closest?.peer
  }
}

const hash256 = (bytes: Uint8Array): Uint8Array => blake2b(bytes, { dkLen: 32 })

function isCloser (one: Uint8Array, other: Uint8Array, target: Uint8Array): boolean {
  for (let at = 0; at < target.length; at++) {
    const difference = ((one[at] ?? 0) ^ (target[at] ?? 0)) - ((other[at] ?? 0) ^ (target[at] ?? 0))
    if (difference !== 0) return difference < 0
  }
  return false
}
