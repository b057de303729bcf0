import { messageOf } from '../../base/errors.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import type { Health, HealthProblem } from '../cluster-api.ts'

export interface HealthDeps {
  /** Whether other peers can reach this one. */
  isStarted: () => boolean
  consensus: Pick<Consensus, 'progress' | 'state' | 'whyReadOnly'>
  ipfs: Pick<IpfsConnector, 'id'>
  tracker: Pick<PinTracker, 'setAsideCount'>
  /** Connected members of which nothing comes, and how many are heard. Without it nobody is silent. */
  gossip?: { health (): { silent: readonly PeerId[], heard: number } } | undefined
  /** Whether it knows other peers and reaches none. Without it nobody is missed. */
  isolation?: { isIsolated (): boolean } | undefined
  /** Pins of this peer that an audit found damaged. Without it none are. */
  audits?: { damagedPins: number } | undefined
  /** How the pinsets of the others are. Without it nobody is out of sync. */
  sync?: { outOfSync (): readonly PeerId[], readonly isBehind: boolean } | undefined
  /** Denylists; `fault` says why one isn't used as it is now. */
  denylist?: { lists (): ReadonlyArray<{ fault: string }> } | undefined
}

/** How this peer is, now. Never rejects: a node that doesn't answer is what is told. */
export async function healthOf (
  { isStarted, consensus, ipfs, tracker, gossip, isolation, audits, sync, denylist }: HealthDeps
): Promise<Health> {
  const { heads, height, behind, dirty, damaged } = consensus.progress()
  const [ipfsError, readOnly] = await Promise.all([ipfs.id().then(({ error }) => error, messageOf), consensus.whyReadOnly()])
  const { silent, heard } = gossip?.health() ?? { silent: [], heard: 0 }
  const problems: Array<[HealthProblem, boolean]> = [
    ['starting', !isStarted()],
    ['behind', behind || sync?.isBehind === true],
    ['dirty', dirty],
    ['damaged', damaged === true],
    ['read_only', readOnly !== ''],
    ['ipfs_unavailable', ipfsError !== ''],
    ['gossip_silent', silent.length > 0 && heard === 0],
    ['peers_silent', silent.length > 0 && heard > 0],
    // silence of those that are connected is told already
    ['isolated', silent.length === 0 && isolation?.isIsolated() === true],
    ['pins_set_aside', tracker.setAsideCount() > 0],
    ['pins_damaged', (audits?.damagedPins ?? 0) > 0],
    ['denylist_broken', denylist?.lists().some(({ fault }) => fault !== '') === true],
    ['out_of_sync', (sync?.outOfSync().length ?? 0) > 0]
  ]
  return {
    problems: problems.filter(([, is]) => is).map(([problem]) => problem),
    pins: consensus.state.size(),
    heads: heads.length,
    height
  }
}
