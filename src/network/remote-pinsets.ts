import type { MergedAgain, PartsOptions, PinsetParts } from '../consensus/pinset-digest.ts'
import type { CID, PeerId } from '../model/cid.ts'

/** A repair that another peer is asked for: it takes these heads, and merges these keys again. */
export interface RepairRequest { heads: readonly CID[], keys: readonly string[] }

/**
 * Asks other peers for parts of their pinsets, by a protocol of our own (docs/design/pinset-digest.md). Every method rejects with
 * UNSUPPORTED when the peer doesn't speak it (as Go's), PEER_UNREACHABLE, NOT_AUTHORIZED when it doesn't trust us, NOT_READY while it
 * counts, INVALID_DATA for an answer that is none, TIMEOUT, or the signal's reason.
 */
export interface RemotePinsets {
  /** The digests of that peer's pinset, and its heads. */
  parts (peer: PeerId): PinsetParts & {
    heads (options?: PartsOptions): Promise<CID[]>
    /** Whether all these heads have been merged there, and nothing is known to be missing under them. */
    areMerged (heads: readonly CID[], options?: PartsOptions): Promise<boolean>
  }
  /** Has the peer fetch these heads and derive the values of these keys anew from its blocks. */
  mergeAgain (peer: PeerId, request: RepairRequest, options?: PartsOptions): Promise<MergedAgain>
}
