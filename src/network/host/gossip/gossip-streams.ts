import type { Connection, Libp2p, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import { deadline, orAborted } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker, WorkerHandle, Workers } from '../../../base/worker.ts'
import type { PeerId } from '../../../model/cid.ts'
import { GossipSilence } from './gossip-silence.ts'
import type { GossipsubInternals, StreamOpener } from './gossipsub-internals.ts'

export interface GossipStreamsInit {
  /** How long a connected member may say nothing before it counts as silent. Milliseconds. */
  silentAfterMs: number
}

export interface GossipStreamsDeps {
  clock: Clock
  log: Logger
  workers: Workers
  /** Told of a peer that can be sent to again: what was published since its stream ended has not reached it. */
  reopened: (peer: PeerId) => void
}

/** What the health of this peer's gossip is made of. */
export interface GossipHealth {
  /** Connected members from which nothing comes. */
  silent: PeerId[]
  /** How many connected members are heard. */
  heard: number
  /** Streams that were opened in the place of lost ones since the start. */
  reopened: number
}

/** How often all peers are looked at. */
const intervalMs = 1000
/** gossipsub itself opens the streams of new connections; what isn't open after this time is opened here. */
const graceMs = 2000
/** How long opening a stream may take. */
const openMs = 10_000
/** A stream that takes nothing for so long is given up. */
const stallMs = 15_000
/** The wait before a stream is opened again; it doubles with each that doesn't last. */
const backOff = { firstMs: 100, longestMs: 10_000 }
/** A stream that lived for so long has lasted. */
const lastingMs = 30_000
/** Who doesn't speak gossip at all is asked again after this time. */
const foreignMs = 5 * 60_000

/** The streams to and from one peer. Times are of the process. */
interface Link {
  outbound: Stream | undefined
  inbound: Stream | undefined
  isOpening: boolean
  /** When the outbound stream was opened, and when it took bytes last or had none to take. */
  openedAt: number | undefined
  movedAt: number
  /** Streams in a row that could not be opened or didn't last. */
  failures: number
  notBefore: number
  inbounds: number
}

type Sending = Stream & { sendData (data: unknown): { sentBytes: number } }
type Receiving = Stream & { onData (data: { byteLength: number }): void }

/**
 * Keeps gossip's streams alive. gossipsub opens one to a peer when it connects, and never again: one that is reset on a living connection,
 * isn't opened in time, or takes nothing leaves two peers without gossip until they reconnect. Here, a stream that ended, in either
 * direction, or stalls is opened again while the peer is connected, as Go does; and a peer from which nothing comes is noticed, gets new
 * streams and then a new connection.
 */
export class GossipStreams {
  readonly #deps: GossipStreamsDeps
  readonly #links = new Map<PeerId, Link>()
  readonly #silence: GossipSilence
  #pubsub: GossipsubInternals | undefined
  #libp2p: Libp2p | undefined
  #create: GossipsubInternals['createOutboundStream'] = async () => {}
  #reopened = 0
  #loop: WorkerHandle | undefined

  constructor (init: GossipStreamsInit, deps: GossipStreamsDeps) {
    this.#deps = deps
    this.#silence = new GossipSilence({ afterMs: init.silentAfterMs, intervalMs })
  }

  holds (peer: PeerId, ms: number): void { this.#silence.holds(peer, ms) }
  health (): GossipHealth { return { ...this.#silence.report(), reopened: this.#reopened } }

  /** A message that this peer signed has come, over whatever ways. */
  heard (peer: PeerId): void {
    if (this.#silence.heard(peer)) this.#deps.log.info('a silent peer is heard again', { peer })
  }

  start (libp2p: Libp2p): void {
    this.#libp2p = libp2p
    this.#loop = this.#deps.workers.add(this.#worker())
  }

  stop (): void {
    this.#libp2p = undefined
    void this.#loop?.stop()
    this.#loop = undefined
    this.#links.clear()
  }

  /** Takes the opening of streams over from gossipsub, which does it one after another and once. To be called before it starts. */
  adopt (pubsub: GossipsubInternals): void {
    this.#pubsub = pubsub
    this.#create = pubsub.createOutboundStream.bind(pubsub)
    const { onIncomingStream, removePeer } = pubsub
    pubsub.createOutboundStream = async (id, connection) => { void this.#open(id, connection) }
    pubsub.onIncomingStream = (stream, connection) => {
      onIncomingStream.call(pubsub, stream, connection)
      this.#watchInbound(stream, connection.remotePeer.toString())
    }
    pubsub.removePeer = id => {
      const streams = [pubsub.streamsInbound.get(id.toString()), pubsub.streamsOutbound.get(id.toString())]
      removePeer.call(pubsub, id)
      // it only closes its own direction: the other side would go on writing to nobody
      for (const wrapped of streams) if (wrapped != null) this.#closeSoon(wrapped.rawStream)
    }
  }

  #worker (): Worker {
    return {
      name: 'gossip streams',
      intervalMs: () => intervalMs,
      work: async () => {
        await this.#pass()
        return 'idle'
      }
    }
  }

  async #pass (): Promise<void> {
    const libp2p = this.#libp2p
    if (libp2p == null || this.#pubsub?.isStarted() !== true) return
    const now = this.#deps.clock.elapsed()
    const connections = openConnections(libp2p)
    for (const peer of this.#links.keys()) if (!connections.has(peer)) this.#links.delete(peer)
    for (const [peer, ways] of connections) this.#repair(peer, ways, now)
    const due = this.#silence.pass(now, new Set([...connections.keys()].filter(peer => this.#shouldBeHeard(peer))))
    await Promise.all(due.map(async ({ peer, renew, silentMs }) => {
      this.#deps.log.warn('nothing is heard from a connected peer', { peer, silentMs: Math.round(silentMs), renewed: renew })
      if (renew === 'streams') this.#renewStreams(peer)
      else await this.#renewConnection(libp2p, connections.get(peer) ?? [])
    }))
  }

  /** Gives up a stream that takes nothing, and opens one where there is none. */
  #repair (peer: PeerId, ways: Connection[], now: number): void {
    const link = this.#linkTo(peer)
    const { outbound } = link
    if (outbound?.status === 'open') {
      if (outbound.writeBufferLength === 0) link.movedAt = now
      if (now - link.movedAt < stallMs) return
      this.#deps.log.warn('a peer does not read gossip: its stream is opened again', { peer, unsentBytes: outbound.writeBufferLength })
      outbound.abort(new ClusterError('TIMEOUT', { peer }, { message: 'a peer does not read gossip' }))
      return
    }
    const way = ways[link.failures % ways.length]
    // libp2p has it by the wall clock, which may have been set back since
    const isNew = ways.every(({ timeline }) => Math.abs(this.#deps.clock.now() - timeline.open) < graceMs)
    if (way == null || link.isOpening || now < link.notBefore || (isNew && link.openedAt == null)) return
    this.#pubsub?.addPeer(way.remotePeer, way.direction, way.remoteAddr)
    void this.#open(way.remotePeer, way)
  }

  /** One at a time for each peer; peers don't wait for each other. */
  async #open (id: Libp2pPeerId, way: StreamOpener): Promise<void> {
    const peer = id.toString()
    const link = this.#linkTo(peer)
    if (link.isOpening || this.#pubsub == null || this.#pubsub.streamsOutbound.has(peer)) return
    link.isOpening = true
    const isAgain = link.openedAt != null
    let fault: unknown
    try {
      await this.#create(id, {
        newStream: async (protocols, options) => {
          try {
            const stream = await this.#openInTime(way, protocols, options)
            this.#watchOutbound(stream, peer, link)
            return stream
          } catch (err) {
            fault = err
            throw err
          }
        }
      })
    } finally {
      link.isOpening = false
    }
    if (fault != null) this.#couldNotOpen(peer, link, fault)
    else if (isAgain && link.outbound != null) {
      this.#reopened++
      this.#deps.log.info('gossip: a stream is opened again', { peer })
      this.#deps.reopened(peer)
    }
  }

  async #openInTime (
    way: StreamOpener, protocols: Parameters<StreamOpener['newStream']>[0], options: Parameters<StreamOpener['newStream']>[1]
  ): Promise<Stream> {
    const { signal, clear } = deadline(
      this.#deps.clock, openMs, () => new ClusterError('TIMEOUT', {}, { message: 'a stream is not opened in time' })
    )
    const opening = way.newStream(protocols, { ...options, signal })
    try {
      return await orAborted(opening, signal)
    } catch (err) {
      // libp2p doesn't look at the signal at each step
      opening.then(stream => stream.abort(err as Error), () => {})
      throw err
    } finally {
      clear()
    }
  }

  #couldNotOpen (peer: PeerId, link: Link, err: unknown): void {
    if (err instanceof Error && err.name === 'UnsupportedProtocolError') {
      link.notBefore = this.#deps.clock.elapsed() + foreignMs
      const id = this.#pubsub?.peers.get(peer)
      if (id != null && link.inbound == null) this.#pubsub?.removePeer(id)
      return
    }
    this.#deps.log.debug('gossip: a stream can not be opened', { peer, err: messageOf(err) })
    this.#tryLater(link)
  }

  #tryLater (link: Link): void {
    const { clock } = this.#deps
    const waitMs = Math.min(backOff.firstMs * 2 ** link.failures, backOff.longestMs)
    link.failures++
    link.notBefore = clock.elapsed() + waitMs
    clock.after(waitMs, () => this.#loop?.wake())
  }

  #watchOutbound (stream: Stream, peer: PeerId, link: Link): void {
    const { clock } = this.#deps
    link.outbound = stream
    const openedAt = link.openedAt = link.movedAt = clock.elapsed()
    const sending = stream as Sending
    const sendData = sending.sendData.bind(stream)
    sending.sendData = data => {
      const sent = sendData(data)
      if (sent.sentBytes > 0) link.movedAt = clock.elapsed()
      return sent
    }
    // who reads never says so: an end of this direction means that nobody reads any more
    stream.addEventListener(
      'remoteCloseWrite', () => stream.abort(new ClusterError('PEER_UNREACHABLE', { peer }, { message: 'the peer reads no more gossip' }))
    )
    stream.addEventListener('close', () => {
      if (link.outbound !== stream) return
      link.outbound = undefined
      if (clock.elapsed() - openedAt >= lastingMs) link.failures = 0
      this.#tryLater(link)
    })
  }

  #watchInbound (stream: Stream, peer: PeerId): void {
    const link = this.#linkTo(peer)
    link.inbound = stream
    link.inbounds++
    const receiving = stream as Receiving
    const onData = receiving.onData.bind(stream)
    receiving.onData = data => {
      this.heard(peer)
      onData(data)
    }
    stream.addEventListener('remoteCloseWrite', () => this.#closeSoon(stream))
    stream.addEventListener('close', () => { if (link.inbound === stream) link.inbound = undefined })
    // a peer whose own stream broke has forgotten what we listen to, as Go does
    const { subscriptions, streamsOutbound } = this.#pubsub ?? {}
    if (link.inbounds > 1 && subscriptions != null && streamsOutbound?.has(peer) === true) {
      this.#pubsub?.sendSubscriptions(peer, [...subscriptions], true)
    }
  }

  /** Both directions; what is underway may still arrive. */
  #closeSoon (stream: Stream): void {
    if (stream.status !== 'open') return
    stream.close().catch(() => {})
    this.#deps.clock.after(graceMs, () => stream.abort(new ClusterError('PEER_UNREACHABLE', {}, { message: 'the stream was abandoned' })))
  }

  #renewStreams (peer: PeerId): void {
    const { outbound, inbound } = this.#linkTo(peer)
    const reason = new ClusterError('TIMEOUT', { peer }, { message: 'nothing is heard from the peer' })
    outbound?.abort(reason)
    inbound?.abort(reason)
  }

  async #renewConnection (libp2p: Libp2p, ways: Connection[]): Promise<void> {
    const [way] = ways
    if (way == null) return
    const { signal, clear } = deadline(this.#deps.clock, openMs, () => new ClusterError('TIMEOUT'))
    try {
      for (const connection of ways) connection.abort(new ClusterError('TIMEOUT', {}, { message: 'nothing is heard from the peer' }))
      await libp2p.dial(way.remotePeer, { signal })
    } catch (err) {
      // the other side, or the ordinary dialling, goes on
      this.#deps.log.debug('gossip: a peer could not be dialled again', { peer: way.remotePeer.toString(), err: messageOf(err) })
    } finally {
      clear()
    }
  }

  /** Peers that speak gossip. One that talks to us and listens to nothing of ours is no member. */
  #shouldBeHeard (peer: PeerId): boolean {
    const { peers, topics, subscriptions } = this.#pubsub ?? {}
    if (peers?.has(peer) !== true) return false
    return this.#linkTo(peer).inbound == null || [...subscriptions ?? []].some(topic => topics?.get(topic)?.has(peer) === true)
  }

  #linkTo (peer: PeerId): Link {
    const known = this.#links.get(peer)
    if (known != null) return known
    const link: Link = {
      outbound: undefined, inbound: undefined, isOpening: false, openedAt: undefined, movedAt: 0, failures: 0, notBefore: 0, inbounds: 0
    }
    this.#links.set(peer, link)
    return link
  }
}

/** Connections over which gossip may go, by peer. */
function openConnections (libp2p: Libp2p): Map<PeerId, Connection[]> {
  const byPeer = new Map<PeerId, Connection[]>()
  for (const connection of libp2p.getConnections()) {
    if (connection.status !== 'open' || connection.limits != null) continue
    const peer = connection.remotePeer.toString()
    byPeer.set(peer, [...byPeer.get(peer) ?? [], connection])
  }
  return byPeer
}
