import { ClusterError } from '../../base/errors.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID } from '../../model/cid.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import { globalFromLocal } from '../../model/pin-info.ts'
import type { RemotePeers } from '../../network/remote-peers.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { ScopeOptions } from '../cluster-api.ts'
import type { Members } from '../peers/members.ts'
import type { Statuses } from './status.ts'
import { eachAlone } from './status.ts'

export interface RecoveriesDeps {
  consensus: Pick<Consensus, 'state'>
  tracker: Pick<PinTracker, 'recover' | 'recoverAll' | 'operation'>
  remotes: Pick<RemotePeers, 'recover' | 'recoverAll'>
  members: Members
  statuses: Pick<Statuses, 'ofAll' | 'mergeAll'>
}

/** The use case "try again what failed". */
export class Recoveries {
  readonly #deps: RecoveriesDeps

  constructor (deps: RecoveriesDeps) { this.#deps = deps }

  /** On all peers that hold the pin. Local: NOT_PINNED for what is neither in the pinset nor waiting to be unpinned here. */
  async recover (cid: CID, { local, ...call }: ScopeOptions = {}): Promise<GlobalPinInfo> {
    const { tracker, remotes, members, statuses } = this.#deps
    if (local === true) {
      this.#refuseUnknown(cid)
      return globalFromLocal(await tracker.recover(cid, call))
    }
    return statuses.ofAll(cid, async (peer, signal) => {
      const options = signal == null ? {} : { signal }
      return peer === members.self ? tracker.recover(cid, options) : remotes.recover(peer, cid, options)
    }, call)
  }

  /** Yields only what was queued again. */
  recoverAll ({ local, ...call }: ScopeOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    const { tracker, remotes, members, statuses } = this.#deps
    if (local === true) return eachAlone(tracker.recoverAll(call))
    return statuses.mergeAll(peer => peer === members.self ? tracker.recoverAll(call) : remotes.recoverAll(peer, call), call)
  }

  #refuseUnknown (cid: CID): void {
    const { consensus, tracker } = this.#deps
    if (!consensus.state.has(cid) && tracker.operation(cid) == null) throw new ClusterError('NOT_PINNED', { cid: cid.toString() })
  }
}

/** The recover loop: at once, then after each interval. It is also what pins everything that came before this start. */
export const recoverWorker = (intervalMs: number, tracker: Pick<PinTracker, 'recoverAll'>): Worker => ({
  name: 'recover',
  intervalMs: () => intervalMs,
  work: async signal => {
    for await (const _batch of tracker.recoverAll({ signal })) { /* the tracker has queued it */ }
    return 'idle'
  }
})
