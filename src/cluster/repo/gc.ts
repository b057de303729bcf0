import type { Clock } from '../../base/clock.ts'
import { isClusterError, answerText } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { RemovedKey, RepoGc } from '../../model/peer.ts'
import type { Pin } from '../../model/pin.ts'
import { isRemote } from '../../model/pin.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { CallOptions, ScopeOptions } from '../cluster-api.ts'
import type { Members } from '../peers/members.ts'
import { AutomaticCollection } from './automatic-collection.ts'

export interface GarbageCollectionInit {
  peerName: string
  followerMode: boolean
  /** Share of the repository's room, 0 to 1, from which on this peer collects by itself. 0 or absent: never. */
  collectAt?: number
}

export interface GarbageCollectionDeps {
  members: Members
  consensus: Pick<Consensus, 'state'>
  ipfs: Pick<IpfsConnector, 'repoGc' | 'repoStat'>
  remotes: Pick<RemotePeers, 'repoGc'>
  clock: Pick<Clock, 'elapsed'>
  log: Logger
}

/** The use case "remove what no pin needs". */
export class GarbageCollection {
  readonly #init: GarbageCollectionInit
  readonly #deps: GarbageCollectionDeps

  constructor (init: GarbageCollectionInit, deps: GarbageCollectionDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * On all peers at once; who fails has an `error`, who doesn't let us is left out. Local: rejects with the node's error. No time limit.
   */
  async collect ({ local, ...call }: ScopeOptions = {}): Promise<Map<PeerId, RepoGc>> {
    const { members } = this.#deps
    if (local === true) return new Map([[members.self, await this.#here(call)]])
    const peers = this.#init.followerMode ? [members.self] : members.list()
    const rows = await Promise.all(peers.map(async peer => this.#row(peer, call)))
    return new Map(rows.filter(row => row != null).map(row => [row.peer, row]))
  }

  /** Collections that this peer makes by itself; none when it shall not. */
  workers (): Worker[] {
    const { collectAt = 0 } = this.#init
    return collectAt > 0 ? [new AutomaticCollection(collectAt, { ...this.#deps, wanted: () => this.#wantedHere({}) }).worker()] : []
  }

  async #row (peer: PeerId, call: CallOptions): Promise<RepoGc | undefined> {
    const { members, remotes } = this.#deps
    try {
      return peer === members.self ? await this.#here(call) : await remotes.repoGc(peer, call)
    } catch (err) {
      call.signal?.throwIfAborted()
      if (isClusterError(err, 'NOT_AUTHORIZED')) return undefined
      return { peer, peerName: this.#nameOf(peer), keys: [], error: answerText(err) }
    }
  }

  async #here (call: CallOptions): Promise<RepoGc> {
    const keys: RemovedKey[] = []
    for await (const key of this.#deps.ipfs.repoGc({ ...call, wanted: () => this.#wantedHere(call) })) keys.push(key)
    return { peer: this.#deps.members.self, peerName: this.#init.peerName, keys, error: '' }
  }

  /** What the pinset wants on this peer, whether it is pinned yet or not. */
  async * #wantedHere (call: CallOptions): AsyncGenerator<Pin[]> {
    const { consensus, members } = this.#deps
    for await (const pins of consensus.state.pins({ ...call, whole: true })) {
      yield pins.filter(pin => pin.type !== 'meta-pin' && !isRemote(pin, members.self))
    }
  }

  #nameOf (peer: PeerId): string { return peer === this.#deps.members.self ? this.#init.peerName : this.#deps.members.ping(peer).peerName }
}
