import type { Worker } from '../base/worker.ts'
import { Adder } from './add/add.ts'
import { AddPlacement } from './add/add-placement.ts'
import { Alerts } from './alerts.ts'
import type { ClusterDeps, ClusterInit } from './cluster.ts'
import { GarbageCollection } from './gc.ts'
import { LeavingPeers } from './leaving-peers.ts'
import { Members } from './members.ts'
import { Peers } from './peers.ts'
import { Pinner } from './pin.ts'
import { Placement } from './placement.ts'
import { Progresses } from './progress.ts'
import { recoverWorker, Recoveries } from './recover.ts'
import { PeerRemoval } from './remove-peer.ts'
import { Repinner } from './repin.ts'
import { stateSyncWorker } from './state-sync.ts'
import { Statuses } from './status.ts'
import { SpillingStatusRows } from './status-rows.ts'
import { Swarm } from './swarm.ts'
import { Unpinner } from './unpin.ts'

export type UseCases = ReturnType<typeof createUseCases>

const rowsInMemory = 20_000

/** Builds every use case from the cluster's settings and collaborators. */
export function createUseCases (init: ClusterInit, deps: ClusterDeps) {
  const { consensus, tracker, remotes, clock } = deps
  const members = new Members(init, deps)
  const alerts = new Alerts()
  const leaving = new LeavingPeers({ clock, datastore: deps.datastore, log: deps.log })
  const placement = new Placement(init, { ...deps, isLeaving: peer => leaving.has(peer) })
  const pinner = new Pinner(init, { consensus, placement, denylist: deps.denylist, clock })
  const unpinner = new Unpinner(init, deps)
  const statusRows = (): SpillingStatusRows =>
    new SpillingStatusRows({ rowsInMemory: init.statusRowsInMemory ?? rowsInMemory }, { temporaryStore: deps.temporaryStore })
  const statuses = new Statuses(init, { ...deps, members, statusRows })
  const recoveries = new Recoveries({ ...deps, members, statuses })
  const peers = new Peers(init, { ...deps, members })
  const progresses = new Progresses(init, { ...deps, members })
  const collection = new GarbageCollection(init, { ...deps, members })
  const swarm = new Swarm({ ...deps, members, peers })
  const repinner = new Repinner({ ...deps, members, placement })
  const removal = new PeerRemoval(init, {
    ...deps,
    members,
    placement,
    leaving,
    ask: async (peer, cid, signal) => {
      const options = signal == null ? {} : { signal }
      return peer === members.self ? tracker.status(cid, options) : remotes.status(peer, cid, options)
    }
  })
  const adder = new Adder(init, { ...deps, pinner, placement: new AddPlacement(init, { members, placement, clock }) })
  return { members, alerts, leaving, pinner, unpinner, statuses, recoveries, peers, progresses, collection, swarm, repinner, removal, adder, ...loops() }

  function loops (): { loops: Worker[], repinLoop: Worker } {
    const recover = recoverWorker(init.pinRecoverIntervalMs, tracker)
    const others = [stateSyncWorker(init.stateSyncIntervalMs, { ...deps, members, unpinner }), removal.worker()]
    return { loops: init.followerMode ? [recover] : [recover, ...others], repinLoop: repinner.worker() }
  }
}
