import type { MultiaddrText, PeerId } from '../model/cid.ts'
import type { IpfsOptions } from './ipfs.ts'

/** An IPFS node, and where it can be dialled, with /p2p. */
export interface NodePlace { id: PeerId, addresses: readonly MultiaddrText[] }

/** A peer of the cluster that lives and is said to have some content. */
export interface AllocatedPeer {
  /** Of the cluster. */
  peer: PeerId
  /** Of its IPFS node. Undefined: nobody has told yet. */
  id: PeerId | undefined
  /** Where its IPFS node is. May ask the peer. Rejects when that says nothing. */
  locate (options: IpfsOptions): Promise<NodePlace>
}

/** Who is said to have what is below a root. */
export interface AllocatedPeers {
  list: readonly AllocatedPeer[]
  /** Whether others may be known in a moment: this peer has just begun, and hasn't heard of all members yet. */
  mayGrow: boolean
  /** Whether nobody is said to have it: these are all who may, if the pin is known elsewhere already. */
  isGuess: boolean
}

/** For content that isn't in the pinset. */
export const noAllocatedPeers: AllocatedPeers = { list: [], mayGrow: false, isGuess: true }
