import type { Startable } from '../base/lifecycle.ts'
import type { CID, PeerId } from '../model/cid.ts'

/** Which part of the DAG is asked for. */
export interface HistoryRequest {
  /** Where to begin. Empty: only the heads are told. */
  roots: readonly CID[]
  /** Blocks that are here with all that is under them: neither they nor that is needed. */
  known: readonly CID[]
}

/** A block whose bytes have been checked against its CID. */
export interface HistoryBlock { cid: CID, bytes: Uint8Array }

/** What another peer gives. */
export interface HistoryAnswer {
  /** The other peer's heads, as far as their branches are all there. */
  heads: CID[]
  /**
   * Blocks, every one before those that it links, in batches as they come; at most a block or what travelled together. They are blocks
   * indeed, but nothing says yet that anybody asked for them: whoever reads keeps only those that are reached from the roots. Ends when the
   * other peer has no more to give, which needn't be all.
   * Throws PEER_UNREACHABLE when it is cut off, TIMEOUT when it stalls, INVALID_DATA for what can't be a block. One reader.
   */
  blocks: AsyncIterable<HistoryBlock[]>
  /** To be called when enough has been read: ends the stream at the other side too. Idempotent, and without effect after its end. */
  end (): void
}

/**
 * Brings the CRDT's history from a peer that speaks our own protocol, as one stream instead of one question per block. Go peers don't;
 * nothing depends on it.
 */
export interface HistoryExchange {
  /**
   * Asks a peer for its heads and for what is under the roots, these included. Rejects with UNSUPPORTED when it doesn't speak the protocol,
   * PEER_UNREACHABLE, TIMEOUT when it doesn't begin to answer, INVALID_DATA, or the signal's reason, which also ends the stream of blocks.
   */
  ask (peer: PeerId, request: HistoryRequest, options: { signal: AbortSignal }): Promise<HistoryAnswer>
  /** Tells of peers that are connected (`isHere`) and go; the returned function ends it. */
  onPeer (listener: (peer: PeerId, isHere: boolean) => void): () => void
}

/** What a peer gives others. */
export interface HistorySource {
  /** Heads whose branches are all here. */
  completeHeads (): CID[]
  /** A block that is stored here. */
  getBlock (cid: CID): Uint8Array | undefined
}

/** Answers other peers until it is stopped. */
export interface HistoryServer extends Startable {}
