import type { Clock } from '../../base/clock.ts'
import { isClusterError, answerText } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { PinProgressReport, RemoteProgress } from '../../network/remote-progress.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { CallOptions, PeerPinProgress } from '../cluster-api.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import type { Members } from '../peers/members.ts'

export interface ProgressesInit { peerName: string, followerMode: boolean }

export interface ProgressesDeps {
  members: Members
  tracker: Pick<PinTracker, 'operation'>
  ipfs: Pick<IpfsConnector, 'progress'>
  /** Without it only this peer is asked. */
  remoteProgress?: RemoteProgress
  clock: Clock
  log: Logger
}

/** What this peer knows of a pin under way: the tracker's operation and how far the node is. */
export function progressHere (cid: CID, { tracker, ipfs }: Pick<ProgressesDeps, 'tracker' | 'ipfs'>): PinProgressReport {
  return { operation: tracker.operation(cid) ?? null, ipfs: ipfs.progress(cid) ?? null }
}

/** The use case "how far is this pin, and why is it stuck", for all members that can say. */
export class Progresses {
  readonly #init: ProgressesInit
  readonly #deps: ProgressesDeps

  constructor (init: ProgressesInit, deps: ProgressesDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * This peer first. Who doesn't answer has only an `error`; Go peers, who can't, and those who don't let us ask are left out. A follower
   * asks nobody.
   */
  async of (cid: CID, call: CallOptions = {}): Promise<PeerPinProgress[]> {
    const { members, remoteProgress } = this.#deps
    const here: PeerPinProgress = { peer: members.self, peerName: this.#init.peerName, ...progressHere(cid, this.#deps), error: '' }
    if (remoteProgress == null || this.#init.followerMode) return [here]
    const others = members.list().filter(peer => peer !== members.self)
    const rows = await Promise.all(others.map(async peer => this.#ask(peer, cid, { remoteProgress, signal: call.signal })))
    return [here, ...rows.filter(row => row != null)]
  }

  async #ask (
    peer: PeerId, cid: CID, { remoteProgress, signal }: { remoteProgress: RemoteProgress, signal: AbortSignal | undefined }
  ): Promise<PeerPinProgress | undefined> {
    const { clock, log, members } = this.#deps
    const { peerName } = members.ping(peer)
    try {
      const report = await within({ clock, ms: peerAnswerMs, signal }, async late => remoteProgress.progress(peer, cid, { signal: late }))
      return { peer, peerName, ...report, error: '' }
    } catch (err) {
      signal?.throwIfAborted()
      if (isClusterError(err, 'UNSUPPORTED') || isClusterError(err, 'NOT_AUTHORIZED')) return undefined
      log.debug('a peer did not report the progress of a pin', { peer, err })
      return { peer, peerName, operation: null, ipfs: null, error: answerText(err) }
    }
  }
}
