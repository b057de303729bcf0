import type { PeerId } from '../../model/cid.ts'
import type { RepoTotals } from '../../model/peer.ts'

export interface GrowthDeps {
  /** What a peer's repository holds. */
  repoStat: (peer: PeerId, signal: AbortSignal) => Promise<RepoTotals>
}

/** By how much the repositories of peers have grown, whatever made them grow: the only measure of moved bytes that Go's peers give, too. */
export class Growth {
  bytes = 0
  readonly #deps: GrowthDeps
  readonly #sizes = new Map<PeerId, number>()

  constructor (deps: GrowthDeps) { this.#deps = deps }

  /**
   * Bytes since the last call that asked the same peer; the first one for a peer counts nothing. Peers that don't answer count nothing.
   * Never rejects.
   */
  async since (peers: readonly PeerId[], signal: AbortSignal): Promise<number> {
    const grown = await Promise.all(peers.map(async peer => this.#grown(peer, signal).catch(() => 0)))
    const sum = grown.reduce((all, one) => all + one, 0)
    this.bytes += sum
    return sum
  }

  async #grown (peer: PeerId, signal: AbortSignal): Promise<number> {
    const before = this.#sizes.get(peer)
    const { repoSize } = await this.#deps.repoStat(peer, signal)
    this.#sizes.set(peer, repoSize)
    return before == null ? 0 : Math.max(0, repoSize - before)
  }
}
