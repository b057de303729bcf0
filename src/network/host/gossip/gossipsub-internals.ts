import type { Connection, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import type { GossipSub } from '@libp2p/gossipsub'
import type { BoundedSeenCache } from './seen-cache.ts'

/** Whoever opens streams to a peer: all that gossipsub asks of a connection when it opens its own. */
export type StreamOpener = Pick<Connection, 'newStream'>

/** gossipsub's own wrapping of a stream. */
export interface WrappedStream { rawStream: Stream }

/** The parts of gossipsub 17.1.1 that its types hide. */
export interface GossipsubInternals {
  readonly peers: Map<string, Libp2pPeerId>
  readonly mesh: Map<string, Set<string>>
  /** Who listens to a topic. */
  readonly topics: Map<string, Set<string>>
  /** What this peer listens to. */
  readonly subscriptions: Set<string>
  readonly streamsOutbound: Map<string, WrappedStream>
  readonly streamsInbound: Map<string, WrappedStream>
  allowedTopics: Set<string>
  seenCache: BoundedSeenCache
  topicValidators: { get (topic: string): unknown }
  isStarted (): boolean
  addPeer (peer: Libp2pPeerId, direction: Connection['direction'], address: Connection['remoteAddr']): void
  removePeer (peer: Libp2pPeerId): void
  onIncomingStream (stream: Stream, connection: Connection): void
  /** Opens a stream to a known peer that has none, and tells it the subscriptions. Never rejects. */
  createOutboundStream (peer: Libp2pPeerId, connection: StreamOpener): Promise<void>
  sendSubscriptions (peer: string, topics: string[], subscribe: boolean): void
}

/** What gossipsub doesn't offer and we need; undefined before it is made. */
export const internals = (pubsub: GossipSub | undefined): GossipsubInternals | undefined =>
  pubsub as unknown as GossipsubInternals | undefined
