import type { MetricHistory, PinsHealth } from '../../cluster/cluster-api.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime } from '../../model/time.ts'

/** The figures of `GET /health/pins`. */
export function pinsHealthJson ({ at, pins, everywhere, underReplicated, unreachable, peers }: PinsHealth): string {
  return goJson({
    at: formatTime(at),
    pins,
    everywhere,
    under_replicated: underReplicated,
    unreachable,
    peers: peers.map(one => ({
      peer: one.peer,
      peername: one.peerName,
      missing: one.isMissing,
      last_seen: one.lastSeen == null ? null : formatTime(one.lastSeen),
      pins: one.pins,
      alone: one.alone,
      statuses: one.statuses
    }))
  })
}

/** The figures of `GET /monitor/history`; times are Unix milliseconds. */
export const metricHistoryJson = ({ everyMs, at, series }: MetricHistory): string => goJson({ every_ms: everyMs, at, series })
