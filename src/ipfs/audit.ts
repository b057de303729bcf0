import type { CID, MultiaddrText, PeerId } from '../model/cid.ts'
import type { Pin } from '../model/pin.ts'

export interface PinAuditOptions {
  /** Whether what is missing or damaged is fetched again from other nodes. */
  repair: boolean
  /** Asked after each block; who waits in it sets the pace. */
  pace: (bytes: number) => Promise<void>
  signal?: AbortSignal
}

/** What a look at every block of a pinned DAG found. */
export interface PinAudit {
  /** Blocks and bytes that are here and are what their CIDs say, repaired ones included. */
  blocks: number
  bytes: number
  /** Blocks that are gone, or aren't what their CIDs say: the first hundred. What lies below them hasn't been seen. */
  bad: CID[]
  badCount: number
  repaired: number
}

export interface ChallengeOptions {
  /** The IPFS node that is asked, and nobody else. */
  peer: PeerId
  addresses: readonly MultiaddrText[]
  /** Random walks from the root down. */
  walks: number
  /** 0: only the root; -1: all of the DAG. */
  depth: number
  signal?: AbortSignal
}

/** What another node showed of a DAG. `failed`: blocks that it said it lacks, or didn't send in time. */
export interface Challenge { asked: number, bytes: number, failed: CID[] }

/** Whether the content is really there. Both reject with the signal's reason. */
export interface Auditor {
  /** Reads every block of a pin of this node, and checks it against its hash. Rejects with NOT_FOUND when the node has no such root. */
  audit (pin: Pin, options: PinAuditOptions): Promise<PinAudit>
  /**
   * Asks another node for blocks on random walks through the DAG, by bitswap. What it sends is checked and not kept. Rejects with
   * PEER_UNREACHABLE.
   */
  challenge (root: CID, options: ChallengeOptions): Promise<Challenge>
}
