import type { Worker } from '../base/worker.ts'
import { DrainingPeers } from './rebalance/draining-peers.ts'
import { Drains } from './rebalance/drains.ts'
import { Rebalances } from './rebalance/rebalances.ts'
import { Adder } from './add/add.ts'
import { AddPlacement } from './add/add-placement.ts'
import { Alerts } from './peers/alerts.ts'
import type { ClusterDeps, ClusterInit } from './cluster.ts'
import { peerAnswerMs, within } from './deadline.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { RepoTotals } from '../model/peer.ts'
import type { PinInfo } from '../model/pin-info.ts'
import type { StatusFilter } from '../model/status.ts'
import { AuditRows } from './audit/audit-rows.ts'
import { Audits } from './audit/audits.ts'
import type { AuditedNode } from './audit/audits.ts'
import { GarbageCollection } from './repo/gc.ts'
import { Isolation } from './peers/isolation.ts'
import { LeavingPeers } from './peers/leaving-peers.ts'
import { Members } from './peers/members.ts'
import { History } from './peers/metric-history.ts'
import { Moves } from './pinning/move.ts'
import { Peers } from './peers/peers.ts'
import { PinsetDiffs } from './sync/pinset-diff.ts'
import { PinsetSync } from './sync/pinset-sync.ts'
import { Pinner } from './pinning/pin.ts'
import { PinsHealths } from './status/pins-health.ts'
import { Placement } from './pinning/placement.ts'
import { Progresses } from './status/progress.ts'
import { recoverWorker, Recoveries } from './status/recover.ts'
import { PeerRemoval } from './peers/remove-peer.ts'
import { RemovedPeers } from './peers/removed-peers.ts'
import { HealedPins } from './pinning/healed-pins.ts'
import { goHealing, Repinner } from './pinning/repin.ts'
import { missedPeers, Replications } from './status/replication.ts'
import { expiryWorker } from './pinning/expiry.ts'
import { Statuses } from './status/status.ts'
import { SpillingStatusRows } from './status/status-rows.ts'
import { Swarm } from './peers/swarm.ts'
import { Unpinner } from './pinning/unpin.ts'

/** By name; each takes what a method of `ClusterApi` takes. */
export type UseCases = ReturnType<typeof createUseCases>

const rowsInMemory = 20_000

/** Builds every use case from the cluster's settings and collaborators. */
export function createUseCases (init: ClusterInit, deps: ClusterDeps) {
  const { consensus, tracker, clock } = deps
  const members = new Members(init, deps)
  const alerts = new Alerts()
  const leaving = new LeavingPeers({ clock, datastore: deps.datastore, log: deps.log })
  const removed = new RemovedPeers({ ...deps, members })
  const isolation = new Isolation(init, { ...deps, members })
  const isLeaving = (peer: PeerId): boolean => leaving.has(peer)
  const draining = new DrainingPeers(init, deps)
  const placement = new Placement(init, { ...deps, isLeaving: peer => isLeaving(peer) || draining.has(peer) })
  const pinner = new Pinner(init, { consensus, placement, denylist: deps.denylist, clock })
  const unpinner = new Unpinner(init, deps)
  const statusRows = (): SpillingStatusRows =>
    new SpillingStatusRows({ rowsInMemory }, { temporaryStore: deps.temporaryStore })
  const statuses = new Statuses(init, { ...deps, members, statusRows })
  const recoveries = new Recoveries({ ...deps, members, statuses })
  const replications = new Replications({ state: consensus.state, members, isLeaving, clock })
  const healths = new PinsHealths({ replications, statuses, clock })
  const peers = new Peers(init, { ...deps, members, missed: async call => missedPeers(await replications.look(call)) })
  const history = new History({ monitor: deps.monitor, own: { peer: init.self, figures: () => ({ pins: consensus.state.size() }) }, clock })
  const progresses = new Progresses(init, { ...deps, members })
  const sync = new PinsetSync(init, { ...deps, members })
  const diffs = new PinsetDiffs({ ...deps, members, self: init.self })
  const collection = new GarbageCollection(init, { ...deps, members })
  const swarm = new Swarm({ ...deps, members, peers })
  const { ask, statusesOf, repoStat, nodeOf } = questionsTo(init.self, deps)
  const audits = new Audits(init, { ...deps, members, nodeOf, rows: deps.auditRows ?? new AuditRows(init, deps) })
  const healed = new HealedPins({ ...deps, members, ask })
  const repinner = new Repinner(init.healing ?? goHealing, { ...deps, members, placement, healed })
  const removal = new PeerRemoval(init, {
    ...deps, members, placement, leaving, removed, ask,
    isKnown: peer => draining.has(peer) || removed.own().includes(peer) || members.missing().some(one => one.peer === peer)
  })
  const moves = new Moves(init, { ...deps, members, placement, ask })
  const drains = new Drains(init, { ...deps, members, placement, draining, ask, repoStat, statusesOf })
  const rebalances = new Rebalances(init, { ...deps, members, placement, draining, moves, repoStat })
  const adder = new Adder(init, { ...deps, pinner, placement: new AddPlacement(init, { members, placement, clock }) })
  return {
    members, alerts, leaving, removed, isolation, pinner, unpinner, statuses, recoveries, replications, healths, history, peers, progresses,
    collection, swarm, repinner, removal, moves, draining, drains, rebalances, adder, sync, diffs, audits, ...loops()
  }

  function loops (): { loops: Worker[], repinLoop: Worker } {
    const recover = recoverWorker(init.pinRecoverIntervalMs, tracker)
    const others = [
      expiryWorker(init.stateSyncIntervalMs, { ...deps, members, unpinner }), removal.worker(), moves.worker(),
      ...init.healing?.whenBack === 'give_back' ? [healed.worker()] : []
    ]
    return {
      loops: [
        recover, history.worker(), ...sync.workers(), audits.worker(), ...collection.workers(), ...init.followerMode ? [] : others
      ],
      repinLoop: repinner.worker()
    }
  }
}

/** What is asked of one peer: this one answers itself, others are called. */
function questionsTo (self: PeerId, { tracker, remotes, ipfs, clock }: ClusterDeps) {
  return {
    ask: async (peer: PeerId, cid: CID, signal: AbortSignal | undefined): Promise<PinInfo> => {
      const options = signal == null ? {} : { signal }
      return peer === self ? tracker.status(cid, options) : remotes.status(peer, cid, options)
    },
    statusesOf: (peer: PeerId, filter: StatusFilter, signal: AbortSignal): AsyncIterable<PinInfo[]> =>
      peer === self ? tracker.statusAll(filter, { signal }) : remotes.statusAll(peer, filter, { signal }),
    repoStat: async (peer: PeerId, signal: AbortSignal): Promise<RepoTotals> =>
      peer === self ? ipfs.repoStat({ signal }) : remotes.repoStat(peer, { signal }),
    nodeOf: async (peer: PeerId, signal: AbortSignal): Promise<AuditedNode> => {
      const info = await within({ clock, ms: peerAnswerMs, signal }, async late => remotes.info(peer, { signal: late }))
      return { id: info.ipfs.id, addresses: info.ipfs.addresses ?? [] }
    }
  }
}
