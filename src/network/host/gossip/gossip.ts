import type { Libp2p } from '@libp2p/interface'
import type { GossipSub, GossipSubComponents, Message } from '@libp2p/gossipsub'
import { rateLimitedLogger } from '../../../base/rate-limited-logger.ts'
import type { Clock } from '../../../base/clock.ts'
import { yieldToEventLoop } from '../../../base/event-loop.ts'
import type { Logger } from '../../../base/log.ts'
import type { Workers } from '../../../base/worker.ts'
import type { PeerId } from '../../../model/cid.ts'
import type { Broadcast, TopicMessage } from '../../network.ts'
import { GossipStreams } from './gossip-streams.ts'
import type { GossipHealth } from './gossip-streams.ts'
import { internals } from './gossipsub-internals.ts'
import type { HostServices, Libp2pClusterHost } from '../host.ts'
import { limitStreams } from './stream-limit.ts'
import { BoundedSeenCache } from './seen-cache.ts'

export interface GossipInit {
  self: PeerId
  heartbeatIntervalMs: number
  /** Go's multiplier of the mesh sizes: D is six times this. */
  dFactor: number
  historyLength: number
  historyGossip: number
  floodPublish: boolean
  /** Whether pruned peers are told of others (Go: not in follower mode). */
  peerExchange: boolean
  /** How long a connected member may say nothing before it counts as silent. Milliseconds. */
  silentAfterMs: number
}

export interface GossipDeps {
  clock: Clock
  log: Logger
  workers: Workers
}

/** `Broadcast` over gossipsub. `services` goes to the host that carries it. */
export interface Libp2pGossip extends Broadcast {
  services (): Promise<HostServices>
  /** Makes subscriptions of before the start known once the host runs. */
  join (host: Pick<Libp2pClusterHost, 'attach'>): void
  /** How many peers of a topic's mesh can be sent to. */
  meshPeersIn (topic: string): number
  /** A peer's regular metric holds for so long, by its own word: it may be silent for as long. Milliseconds. */
  holds (peer: PeerId, ms: number): void
  /** Which connected members are heard. */
  health (): GossipHealth
}

interface Watch { topic: string, told: (peer: PeerId, listeners: number) => void }
interface Subscription { handler: (message: TopicMessage) => void, accept: ((from: PeerId) => boolean) | undefined }

/** Go's limit for one message with everything around it. */
const largestMessageBytes = 1024 * 1024
/** What one peer may send, lasting and at once. Go's busiest peers need a tenth of it. */
const limit = { bytesPerSecond: 2 * 1024 * 1024, burstBytes: 8 * 1024 * 1024 }
/** Go's fixed time, and how many at most. A flood makes old ones forgotten sooner. */
const seen = { ttlMs: 30 * 60_000, entries: 200_000 }
/** What waits for a peer that doesn't read; beyond, its stream is reset. */
const outboundBufferBytes = 8 * 1024 * 1024
/** A listener that we can't write to yet: how often and how many times that is looked at. */
const reach = { everyMs: 50, times: 100 }

/**
 * Gossip as Go's peers do it (consensus/crdt and clusterhost.go): its parameters, message IDs and strict signatures. Peers aren't scored,
 * as in Go.
 */
export function libp2pGossip (init: GossipInit, deps: GossipDeps): Libp2pGossip {
  return new Gossip(init, deps)
}

class Gossip implements Libp2pGossip {
  readonly #init: GossipInit
  readonly #deps: GossipDeps
  readonly #topics = new Map<string, Set<Subscription>>()
  readonly #watches = new Set<Watch>()
  /** Listeners that we can't write to yet. */
  readonly #reaching = new Set<string>()
  readonly #streams: GossipStreams
  #pubsub: GossipSub | undefined
  #isRunning = false

  constructor (init: GossipInit, deps: GossipDeps) {
    this.#init = init
    this.#deps = { ...deps, log: rateLimitedLogger(deps) }
    this.#streams = new GossipStreams(init, { ...this.#deps, reopened: peer => this.#tellAgain(peer) })
  }

  async services (): Promise<HostServices> {
    const { gossipsub } = await import('@libp2p/gossipsub')
    const create = gossipsub(gossipsubOptions(this.#init))
    return {
      pubsub: (components: GossipSubComponents) => {
        const pubsub = create(limitStreams(limit, this.#deps, components)) as GossipSub
        this.#adopt(pubsub)
        return pubsub
      }
    } as unknown as HostServices // libp2p's service map knows only its own components
  }

  join (host: Pick<Libp2pClusterHost, 'attach'>): void {
    host.attach((libp2p: Libp2p) => {
      libp2p.addEventListener('start', () => {
        this.#isRunning = true
        for (const topic of this.#topics.keys()) this.#pubsub?.subscribe(topic)
        this.#streams.start(libp2p)
      })
      libp2p.addEventListener('stop', () => {
        this.#isRunning = false
        this.#streams.stop()
      })
    })
  }

  meshPeersIn (topic: string): number {
    const { mesh, streamsOutbound } = internals(this.#pubsub) ?? {}
    return [...mesh?.get(topic) ?? []].filter(peer => streamsOutbound?.has(peer)).length
  }

  health (): GossipHealth { return this.#streams.health() }
  holds (peer: PeerId, ms: number): void { this.#streams.holds(peer, ms) }

  async publish (topic: string, data: Uint8Array): Promise<void> {
    // signing and sending cost more than all the rest of a small pin: the answer to who made it goes out before
    await yieldToEventLoop()
    // not for nobody: who comes later is told the heads anyway
    if (this.#isRunning && this.#pubsub != null && this.#pubsub.getSubscribers(topic).length > 0) await this.#pubsub.publish(topic, data)
  }

  subscribe (topic: string, handler: (message: TopicMessage) => void, accept?: (from: PeerId) => boolean): () => void {
    const subscription = { handler, accept }
    const known = this.#topics.get(topic)
    if (known != null) known.add(subscription)
    else this.#begin(topic, subscription)
    return () => this.#end(topic, subscription)
  }

  onListener (topic: string, told: (peer: PeerId, listeners: number) => void): () => void {
    const watch = { topic, told }
    this.#watches.add(watch)
    return () => { this.#watches.delete(watch) }
  }

  #begin (topic: string, subscription: Subscription): void {
    this.#topics.set(topic, new Set([subscription]))
    internals(this.#pubsub)?.allowedTopics.add(topic)
    if (this.#isRunning) this.#pubsub?.subscribe(topic)
  }

  #end (topic: string, subscription: Subscription): void {
    const subscriptions = this.#topics.get(topic)
    if (subscriptions?.delete(subscription) !== true || subscriptions.size > 0) return
    this.#topics.delete(topic)
    if (this.#isRunning) this.#pubsub?.unsubscribe(topic)
  }

  #adopt (pubsub: GossipSub): void {
    this.#pubsub = pubsub
    const inner = internals(pubsub)
    if (inner != null) {
      this.#streams.adopt(inner)
      inner.allowedTopics = new Set(this.#topics.keys())
      inner.seenCache = new BoundedSeenCache(seen, this.#deps.clock)
      // every topic asks here, so that late subscriptions count
      inner.topicValidators = { get: (topic: string) => async (_: unknown, message: Message) => this.#judge(topic, message) }
    }
    pubsub.addEventListener('message', event => this.#deliver(event.detail))
    pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
      const peer = peerId.toString()
      for (const { topic, subscribe } of subscriptions) if (subscribe && this.#isWatched(topic)) this.#awaitReach(peer, topic)
    })
  }

  #isWatched (topic: string): boolean { return [...this.#watches].some(watch => watch.topic === topic) }

  /** As if the peer had begun to listen just now. */
  #tellAgain (peer: PeerId): void {
    for (const topic of new Set(Array.from(this.#watches, watch => watch.topic))) this.#awaitReach(peer, topic)
  }

  /** A subscription may come before our own stream to the peer is open: what is published then doesn't reach it. */
  #awaitReach (peer: PeerId, topic: string): void {
    const key = `${topic} ${peer}`
    if (this.#reaching.has(key)) return
    this.#reaching.add(key)
    this.#reach({ peer, topic, end: () => this.#reaching.delete(key) })
  }

  #reach (listener: { peer: PeerId, topic: string, end: () => void }, times = reach.times): void {
    const { peer, topic, end } = listener
    const { topics, streamsOutbound } = internals(this.#pubsub) ?? {}
    const listeners = topics?.get(topic)
    const isThere = this.#isRunning && listeners?.has(peer) === true
    if (isThere && streamsOutbound?.has(peer) !== true && times > 0) {
      return void this.#deps.clock.after(reach.everyMs, () => this.#reach(listener, times - 1))
    }
    end()
    if (isThere && streamsOutbound?.has(peer) === true) {
      for (const watch of this.#watches) if (watch.topic === topic) watch.told(peer, listeners.size)
    }
  }

  #judge (topic: string, message: Message): 'accept' | 'reject' {
    if (message.type !== 'signed') return 'reject'
    const from = message.from.toString()
    for (const { accept } of this.#topics.get(topic) ?? []) {
      if (accept != null && !accept(from)) return 'reject'
    }
    return 'accept'
  }

  #deliver (message: Message): void {
    if (message.type !== 'signed') return
    const from = message.from.toString()
    if (from === this.#init.self) return
    this.#streams.heard(from)
    for (const { handler } of this.#topics.get(message.topic) ?? []) {
      try {
        handler({ from, data: message.data })
      } catch (err) {
        this.#deps.log.warn('a gossip message could not be handled', { from, topic: message.topic, err })
      }
    }
  }
}

const messageIdBytes = 24

/** Go's message ID: the first 16 bytes of the signer's multihash and its sequence number. */
function messageId (message: Message): Uint8Array {
  const id = new Uint8Array(messageIdBytes)
  if (message.type !== 'signed') return id
  id.set(message.from.toMultihash().bytes.subarray(0, 16))
  new DataView(id.buffer).setBigUint64(16, message.sequenceNumber)
  return id
}

function gossipsubOptions (
  { heartbeatIntervalMs, dFactor, historyLength, historyGossip, floodPublish, peerExchange }: GossipInit
): Record<string, unknown> {
  return {
    msgIdFn: messageId,
    globalSignaturePolicy: 'StrictSign',
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    floodPublish,
    doPX: peerExchange,
    heartbeatInterval: heartbeatIntervalMs,
    D: 6 * dFactor,
    Dlo: 5 * dFactor,
    Dhi: 12 * dFactor,
    Dscore: 4 * dFactor,
    Dout: 2 * dFactor,
    Dlazy: 6 * dFactor,
    mcacheLength: historyLength,
    mcacheGossip: historyGossip,
    seenTTL: seen.ttlMs,
    maxInboundDataLength: largestMessageBytes,
    maxOutboundBufferSize: outboundBufferBytes,
    maxInboundStreams: 8,
    maxOutboundStreams: 8,
    maxTopicBytesPerPeer: 64 * 1024,
    allowedTopics: [],
    // Go scores nobody: many peers of one address, or a slow one, are no attack
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0, appSpecificWeight: 0, topics: {} }
  }
}
