import type { Clock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import type { GossipDeps, GossipInit } from '../../src/network/host/gossip/gossip.ts'

/** Go's defaults, with a quick heartbeat. */
export const gossipInit = (self: string): GossipInit =>
  ({
    self, heartbeatIntervalMs: 200, dFactor: 4, historyLength: 6, historyGossip: 2, floodPublish: false, peerExchange: true,
    silentAfterMs: 60_000
  })

/** Background work runs; it ends with the host that carries the gossip. */
export function gossipDeps (clock: Clock = systemClock): GossipDeps {
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  void workers.start()
  return { clock, log: silentLogger, workers }
}
