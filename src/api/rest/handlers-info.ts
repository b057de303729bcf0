import type { ClusterApi, HealthProblem, MetricHistory, PinsHealth } from '../../cluster/cluster-api.ts'
import type { Authenticator } from '../../http/request/auth.ts'
import { HttpError } from '../../http/error-dialect.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { emptyReply, jsonReply } from '../../http/answer/reply.ts'
import type { Call } from '../../http/routing/route.ts'
import { goJson } from '../../model/go-json.ts'
import { alertJson, metricJson } from '../../model/metric.ts'
import type { ConnectGraph } from '../../model/peer.ts'
import { peerInfoJson, repoGcJson } from '../../model/peer.ts'
import { formatTime, formatTimeOrNull } from '../../model/time.ts'

const byKey = <T>(map: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...map].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0))

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> => byKey(Object.entries(record))

function graphJson (graph: ConnectGraph): Record<string, unknown> {
  return {
    cluster_id: graph.clusterId,
    id_to_peername: sorted(graph.idToPeerName),
    ipfs_links: sorted(graph.ipfsLinks),
    cluster_links: sorted(graph.clusterLinks),
    cluster_trust_links: sorted(graph.clusterTrustLinks),
    cluster_to_ipfs: sorted(graph.clusterToIpfs)
  }
}

/** Problems with which a peer can well be sent requests. */
const harmless: ReadonlySet<HealthProblem> = new Set(
  ['dirty', 'peers_silent', 'isolated', 'damaged', 'pins_set_aside', 'pins_damaged', 'denylist_broken', 'out_of_sync']
)

/** The routes that tell how the peer, the cluster and all its pins are; they change nothing. */
export class InfoHandlers {
  readonly #cluster: ClusterApi
  readonly #authenticator: Authenticator | null
  readonly #versionJson: string

  constructor ({ cluster, authenticator }: { cluster: ClusterApi, authenticator: Authenticator | null }) {
    this.#cluster = cluster
    this.#authenticator = authenticator
    this.#versionJson = goJson({ version: cluster.version })
  }

  readonly id = async ({ signal }: Call): Promise<Reply> => jsonReply(goJson(peerInfoJson(await this.#cluster.info({ signal }))))

  readonly version = (): Reply => jsonReply(this.#versionJson)

  readonly health = (): Reply => emptyReply()

  /** 503 when requests had better go elsewhere. */
  readonly ready = async (): Promise<Reply> => {
    const { problems, pins, heads, height } = await this.#cluster.health()
    const isReady = problems.every(problem => harmless.has(problem))
    return jsonReply(goJson({ ready: isReady, problems, pins, heads, height }), isReady ? 200 : 503)
  }

  /** The token of whoever asks; 401 when the API asks for no credentials. */
  readonly token = ({ principal }: Call): Reply => {
    const token = principal == null ? undefined : this.#authenticator?.token(principal)
    if (token == null) throw new HttpError(401, 'unauthorized')
    return jsonReply(goJson({ token }))
  }

  readonly graph = async ({ signal }: Call): Promise<Reply> => jsonReply(goJson(graphJson(await this.#cluster.connectGraph({ signal }))))

  readonly alerts = (): Reply => jsonReply(goJson(this.#cluster.alerts().map(alertJson)))

  readonly pinsHealth = async ({ signal }: Call): Promise<Reply> => jsonReply(pinsHealthJson(await this.#cluster.pinsHealth({ signal })))

  readonly bandwidth = (): Reply => {
    const protocols = [...this.#cluster.bandwidth()].map(([protocol, { totalIn, totalOut, rateIn, rateOut }]) =>
      [protocol, { total_in: totalIn, total_out: totalOut, rate_in: rateIn, rate_out: rateOut }] as const)
    return jsonReply(goJson(byKey(protocols)))
  }

  readonly metricHistory = (): Reply => jsonReply(metricHistoryJson(this.#cluster.metricHistory()))

  readonly metricNames = (): Reply => jsonReply(goJson(this.#cluster.metricNames()))

  readonly metrics = ({ params }: Call): Reply => jsonReply(goJson(this.#cluster.metrics(params.name ?? '').map(metricJson)))

  readonly gc = async ({ query, signal }: Call): Promise<Reply> => {
    const gcs = await this.#cluster.repoGc({ local: query.get('local') === 'true', signal })
    return jsonReply(goJson({ peer_map: byKey([...gcs].map(([peer, gc]) => [peer, repoGcJson(gc)] as const)) }))
  }
}

/** The figures of `GET /health/pins`. */
function pinsHealthJson ({ at, pins, everywhere, underReplicated, unreachable, peers }: PinsHealth): string {
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
      last_seen: formatTimeOrNull(one.lastSeen ?? null),
      pins: one.pins,
      alone: one.alone,
      statuses: one.statuses
    }))
  })
}

/** The figures of `GET /monitor/history`; times are Unix milliseconds. */
const metricHistoryJson = ({ everyMs, at, series }: MetricHistory): string => goJson({ every_ms: everyMs, at, series })
