import type { DrainStatus, PaceLimits, RebalancePlan, RebalanceStatus } from '../../cluster/cluster-api.ts'
import { formatTime } from '../../model/time.ts'

const timeOrNull = (time: number | null): string | null => time == null ? null : formatTime(time)
const paceJson = ({ atOnce, maxPinsPerSecond, maxBytesPerSecond }: PaceLimits): Record<string, unknown> =>
  ({ at_once: atOnce, max_pins_per_second: maxPinsPerSecond, max_bytes_per_second: maxBytesPerSecond })

/** What `POST /peers/{peer}/drain` answers. */
export function drainJson (drain: DrainStatus): Record<string, unknown> {
  const { peer, peerName, state, reason, since, endedAt, pins, left, moved, fewer, inTransit, stuck, everywhere, bytes, leftMs } = drain
  return {
    peer, peername: peerName, state, reason, since: formatTime(since), ended_at: timeOrNull(endedAt), pins, left, moved, fewer,
    in_transit: inTransit, stuck, everywhere, bytes, left_ms: leftMs, ...paceJson(drain)
  }
}

const sharesJson = (peers: RebalancePlan['peers']): unknown => peers.map(
  ({ peerName, ...share }) => ({
    peer: share.peer, peername: peerName, capacity: share.capacity, pins: share.pins, goal: share.goal, after: share.after
  })
)

/** What `GET /rebalance/plan` answers. */
export const rebalancePlanJson = ({ peers, pins, count, moves }: RebalancePlan): Record<string, unknown> =>
  ({ peers: sharesJson(peers), pins, count, moves: moves.map(({ cid, from, to, why }) => ({ cid: cid.toString(), from, to, why })) })

/** What `GET /rebalance` answers. */
export function rebalanceJson (status: RebalanceStatus): Record<string, unknown> {
  const { state, reason, since, endedAt, planned, moved, failed, inTransit, peers } = status
  return {
    state, reason, since: formatTime(since), ended_at: timeOrNull(endedAt), planned, moved, failed, in_transit: inTransit,
    ...paceJson(status), peers: sharesJson(peers)
  }
}
