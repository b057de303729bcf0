import type { CID } from 'multiformats/cid'
import type { Startable } from '../base/lifecycle.ts'
import type { MultiaddrText, PeerId } from '../model/cid.ts'
import type { Bandwidth } from '../model/peer.ts'

/** A message of a topic. `from` is the peer that signed it; implementations drop what isn't signed. */
export interface TopicMessage { from: PeerId, data: Uint8Array }

/** Gossip to all peers of the cluster. Delivery is best effort: messages may be lost, repeated and reordered. */
export interface Broadcast {
  /** Resolves when the message has been handed to the network. Never delivered to this peer itself. */
  publish (topic: string, data: Uint8Array): Promise<void>
  /**
   * Receives a topic from now on; the returned function ends it. `accept` says whether a message may be relayed and delivered
   * (default: all).
   */
  subscribe (topic: string, handler: (message: TopicMessage) => void, accept?: (from: PeerId) => boolean): () => void
  /**
   * Calls the listener for each connected peer that has begun to listen to a topic, once a message would reach it, with how many listen by
   * then; the returned function ends it. A peer may come more than once, and does when messages may not have reached it for a while.
   * Networks without connections leave it out.
   */
  onListener? (topic: string, listener: (peer: PeerId, listeners: number) => void): () => void
}

/** Moves blocks of the CRDT's DAG between peers. */
export interface BlockExchange {
  /** Fetches a block and checks it against its CID. Rejects with the signal's reason when aborted; it never gives up by itself. */
  fetch (cid: CID, options: { signal: AbortSignal, from?: PeerId }): Promise<Uint8Array>
  /** Says that a block is now stored here, so that peers who asked for it get it. */
  offer (cid: CID, bytes: Uint8Array): void
}

/** This peer's own place in the cluster's network. */
export interface ClusterHost extends Startable {
  readonly peer: PeerId
  /** Addresses with /p2p suffix on which this peer can be dialled. None while it isn't started. */
  addresses (): MultiaddrText[]
  /** Known addresses of another peer, with /p2p suffix. */
  addressesOf (peer: PeerId): MultiaddrText[]
  /** Those with at least one connection, authenticated by the cluster's secret. */
  connectedPeers (): PeerId[]
  /** Bytes since the start, by protocol. */
  bandwidth (): Map<string, Bandwidth>
}

/**
 * One stream to another peer. Both directions are independent: a side that has closed its writing can still read.
 * Whoever got or opened a stream ends it: by closing its writing and reading to the end, or by `abort`.
 */
export interface PeerStream {
  readonly remote: PeerId
  /**
   * What the other side writes, until it closes its writing; throws PEER_UNREACHABLE when the stream is reset. What isn't read waits at the
   * other side (back-pressure). One reader only.
   */
  readonly source: AsyncIterable<Uint8Array>
  /**
   * Pieces that follow each other; they must not change afterwards. Resolves when there is room for more; rejects with PEER_UNREACHABLE
   * when the stream is reset.
   */
  write (...pieces: Uint8Array[]): Promise<void>
  /** No more writes from here. */
  closeWrite (): Promise<void>
  /** Resets the stream: the other side sees a failure. */
  abort (reason: Error): void
  /** Aborts when the stream is reset, by either side. */
  readonly wasReset: AbortSignal
  /** Aborts when the stream is reset or the other side closes its writing: for unary calls the caller is gone (go-libp2p-gorpc). */
  readonly remoteEnded: AbortSignal
}

/** Streams by protocol between cluster peers. */
export interface PeerStreams {
  /** Dials when needed; rejects with PEER_UNREACHABLE, or UNSUPPORTED when the peer doesn't speak the protocol. */
  open (peer: PeerId, protocol: string, options?: { signal?: AbortSignal }): Promise<PeerStream>
  /** Takes incoming streams; the returned function ends it. */
  handle (protocol: string, handler: (stream: PeerStream) => void): () => void
}
