import type { Clock } from '../../base/clock.ts'
import { isClusterError, answerText } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import { formatPingValue, nanoseconds } from '../../model/metric.ts'
import type { PeerInfo } from '../../model/peer.ts'
import { rpcProtocol } from '../../model/peer.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { ClusterHost } from '../../network/network.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { CallOptions, PeersOptions } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members, MissingPeer } from './members.ts'
import { missingText } from '../status/missing-peers.ts'

export interface PeersInit {
  peerName: string
  version: string
  /** How often ping metrics are sent; they are valid twice as long. Milliseconds. */
  monitorPingIntervalMs: number
}

export interface PeersDeps {
  members: Members
  host: Pick<ClusterHost, 'addresses' | 'addressesOf'>
  ipfs: Pick<IpfsConnector, 'id'>
  remotes: Pick<RemotePeers, 'info'>
  monitor: Pick<Monitor, 'log'>
  /** Peers that aren't members and are missed: those that were heard, and those that hold pins. */
  missed: (options: CallOptions) => Promise<MissingPeer[]>
  clock: Clock
  log: Logger
}

/** The use cases "who am I" and "who is there". */
export class Peers {
  readonly #init: PeersInit
  readonly #deps: PeersDeps

  constructor (init: PeersInit, deps: PeersDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** This peer. An IPFS node that doesn't answer is an `error` inside `ipfs`. */
  async info (): Promise<PeerInfo> {
    const { members, host, ipfs } = this.#deps
    const clusterPeers = members.list()
    return {
      id: members.self,
      addresses: orNone(host.addresses()),
      clusterPeers,
      clusterPeersAddresses: clusterPeers.filter(peer => peer !== members.self).flatMap(peer => host.addressesOf(peer)),
      version: this.#init.version,
      commit: '',
      rpcProtocolVersion: rpcProtocol,
      error: '',
      ipfs: await ipfs.id(),
      peerName: this.#init.peerName
    }
  }

  /**
   * All members as they answer, within 15 s for all. Who doesn't answer has only `id` and `error`; who doesn't let us ask is left out.
   * `missing`: those that are gone come first, with their names as far as they are known.
   */
  async * all ({ missing, ...call }: PeersOptions = {}): AsyncGenerator<PeerInfo> {
    const { members } = this.#deps
    if (missing === true) {
      for (const one of await this.#deps.missed(call)) yield { ...deadPeer(one.peer, missingText(one)), peerName: one.peerName }
    }
    for await (const info of asCompleted(members.list().map(async peer => this.#rowOf(peer, call)))) {
      if (info != null) yield info
    }
  }

  async #rowOf (peer: PeerId, call: CallOptions): Promise<PeerInfo | undefined> {
    if (peer === this.#deps.members.self) return this.info()
    try {
      return await this.ask(peer, call)
    } catch (err) {
      call.signal?.throwIfAborted()
      if (isClusterError(err, 'NOT_AUTHORIZED')) return undefined
      this.#deps.log.debug('a peer did not report its ID', { peer, err })
      return deadPeer(peer, answerText(err))
    }
  }

  /** One other peer, within 15 s. Rejects as RemotePeers does, or with TIMEOUT. */
  async ask (peer: PeerId, { signal }: CallOptions = {}): Promise<PeerInfo> {
    return within({ clock: this.#deps.clock, ms: peerAnswerMs, signal }, async late => this.#deps.remotes.info(peer, { signal: late }))
  }

  /**
   * Reaches a peer and counts it as a member until its own metrics come. The answer's cluster peers include this one.
   */
  async add (peer: PeerId, call: CallOptions = {}): Promise<PeerInfo> {
    const { members } = this.#deps
    if (peer === members.self) return this.info()
    const info = await this.ask(peer, call)
    this.#deps.monitor.log(firstPing({ ...info, ipfsId: info.ipfs.id }, { ...this.#init, now: this.#deps.clock.now() }))
    const known = info.clusterPeers ?? []
    return { ...info, clusterPeers: known.includes(members.self) ? known : [...known, members.self] }
  }
}

/** Stands in for the ping that a peer which was reached will publish itself. `now` in Unix milliseconds. */
export function firstPing (
  { id, peerName, ipfsId }: { id: PeerId, peerName: string, ipfsId: PeerId },
  { monitorPingIntervalMs, now }: { monitorPingIntervalMs: number, now: number }
): Metric {
  return {
    name: 'ping',
    peer: id,
    value: formatPingValue({ peerName, ipfsId, ipfsAddresses: [] }),
    expire: nanoseconds(now + 2 * monitorPingIntervalMs),
    valid: true,
    weight: 0n,
    partitionable: false,
    receivedAt: nanoseconds(now)
  }
}

const deadPeer = (id: PeerId, error: string): PeerInfo => ({
  id,
  addresses: null,
  clusterPeers: null,
  clusterPeersAddresses: null,
  version: '',
  commit: '',
  rpcProtocolVersion: '',
  error,
  ipfs: { id: '', addresses: null, error: '' },
  peerName: ''
})

/** Go has no list, and not an empty one, while it listens nowhere. */
const orNone = (addresses: MultiaddrText[]): MultiaddrText[] | null => addresses.length === 0 ? null : addresses

/** Yields the results in the order in which they come. Throws the first rejection when its turn comes. */
async function * asCompleted<T> (promises: ReadonlyArray<Promise<T>>): AsyncGenerator<T> {
  const waiting = new Map(promises.map((promise, at) => [at, promise.then(value => ({ at, value }))]))
  for (const promise of waiting.values()) promise.catch(() => {})
  while (waiting.size > 0) {
    const { at, value } = await Promise.race(waiting.values())
    waiting.delete(at)
    yield value
  }
}
