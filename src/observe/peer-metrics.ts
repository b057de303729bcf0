import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { MetricSources } from './observer.ts'
import type { IpfsMeter } from './measured-ipfs.ts'

/** A finished request. */
export interface SeenRequest { api: string, method: string, status: number, seconds: number }

export interface PeerMetricsInit {
  /** On the wire, "1.1.6+helia.0.1.0". */
  version: string
}

/** From 5 ms to an hour: pins wait for the network. */
const pinBuckets = [0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600]
const requestBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30, 300]

/**
 * The metrics of a peer: Go's by their names, ours as `helia_cluster_…`, the process's. Counts in memory, asks the rest when it is scraped.
 */
export class PeerMetrics implements IpfsMeter {
  readonly registry = new Registry()
  readonly #pinBegun: Counter
  readonly #pinFailed: Counter
  readonly #pinSeconds: Histogram<'result'>
  readonly #putBegun: Counter
  readonly #putFailed: Counter
  readonly #blocks: Counter
  readonly #blockBytes: Counter
  readonly #failures: Counter<'call' | 'code'>
  readonly #requests: Counter<'api' | 'method' | 'status'>
  readonly #requestSeconds: Histogram<'api'>

  constructor ({ version }: PeerMetricsInit) {
    const registers = [this.registry]
    const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
    this.#pinBegun = counter('ipfscluster_pins_pin_add', 'Total number of IPFS pin requests')
    this.#pinFailed = counter('ipfscluster_pins_pin_add_errors', 'Total number of failed pin requests')
    this.#putBegun = counter('ipfscluster_blocks_put', 'Total number of blocks/put requests')
    this.#putFailed = counter('ipfscluster_blocks_put_errors', 'Total number of block/put errors')
    this.#blocks = counter('ipfscluster_blocks_added', 'Total number of blocks added')
    this.#blockBytes = counter('ipfscluster_blocks_added_size', 'Total size of blocks added in bytes')
    this.#pinSeconds = new Histogram({
      name: 'helia_cluster_pin_duration_seconds', help: 'How long pins took on the IPFS node', labelNames: ['result'], buckets: pinBuckets,
      registers
    })
    this.#failures = new Counter({
      name: 'helia_cluster_ipfs_errors_total', help: 'Failed calls of the IPFS node by kind of error', labelNames: ['call', 'code'],
      registers
    })
    this.#requests = new Counter({
      name: 'helia_cluster_http_requests_total', help: 'Answered HTTP requests', labelNames: ['api', 'method', 'status'], registers
    })
    this.#requestSeconds = new Histogram({
      name: 'helia_cluster_http_request_duration_seconds', help: 'How long HTTP requests took, bodies and streams included',
      labelNames: ['api'], buckets: requestBuckets, registers
    })
    new Gauge({
      name: 'helia_cluster_build_info', help: 'Always 1; the labels say what runs', labelNames: ['version', 'node'], registers
    }).set({ version, node: process.version }, 1)
    collectDefaultMetrics({ register: this.registry })
  }

  pinBegun (): void { this.#pinBegun.inc() }

  pinEnded ({ ok, seconds }: { ok: boolean, seconds: number }): void {
    this.#pinSeconds.observe({ result: ok ? 'pinned' : 'failed' }, seconds)
    if (!ok) this.#pinFailed.inc()
  }

  putBegun (): void { this.#putBegun.inc() }
  putFailed (): void { this.#putFailed.inc() }

  stored ({ count, bytes }: { count: number, bytes: number }): void {
    this.#blocks.inc(count)
    this.#blockBytes.inc(bytes)
  }

  failed (call: string, code: string): void { this.#failures.inc({ call, code }) }

  answered ({ api, method, status, seconds }: SeenRequest): void {
    this.#requests.inc({ api, method, status: String(status) })
    this.#requestSeconds.observe({ api }, seconds)
  }

  /** From now on these are asked at each scrape. To be called once. */
  watch (sources: MetricSources): void {
    const scraped = new ScrapedMetrics(this.registry)
    watchPins(scraped, sources)
    watchCluster(scraped, sources)
    watchWorkers(scraped, sources)
    watchDenylists(scraped, sources)
    if (sources.service != null) watchService(scraped, sources.service.bind(sources))
  }

  async text (): Promise<string> { return this.registry.metrics() }
}

function watchPins (scraped: ScrapedMetrics, sources: MetricSources): void {
  const inState = (state: string) => () => sources.operations()[state]
  scraped.gauge('ipfscluster_pins', 'Total number of cluster pins', () => sources.pins())
  scraped.gauge(
    'helia_cluster_pins_under_replicated', 'Pins of which at least one allocated peer is missing', () => sources.underReplicated()
  )
  scraped.gauges(
    'helia_cluster_drain_pins_left', 'Pins that are left on peers that this one drains', ['peer', 'state'],
    () => sources.drains().map(({ peer, state, left }) => [[peer, state], left])
  )
  scraped.gauge('ipfscluster_pins_ipfs_pins', 'Current number of items pinned on IPFS', () => sources.ipfsPins())
  scraped.gauge(
    'helia_cluster_held_adds', 'Adds whose blocks are kept from garbage collection because they run or their roots wait to be pinned',
    () => sources.heldAdds()
  )
  scraped.gauge('ipfscluster_pins_pin_queued', 'Current number of pins queued for pinning', inState('pin_queued'))
  scraped.gauge('helia_cluster_pin_queue_seconds', 'In how long the turn of the last pin that waits comes', () => {
    const ms = sources.queueWaitMs()
    return ms == null ? undefined : ms / 1000
  })
  scraped.gauges(
    'helia_cluster_pin_queue_length', 'Pins that wait or have a turn, by queue', ['queue', 'state'],
    () => sources.pinQueues().flatMap(({ name, waiting, running }) => [[[name, 'waiting'], waiting], [[name, 'running'], running]])
  )
  scraped.gauge('ipfscluster_pins_pinning', 'Current number of pins currently pinning', inState('pinning'))
  scraped.gauge('ipfscluster_pins_pin_error', 'Current number of pins in pin_error state', inState('pin_error'))
  scraped.gauge('ipfscluster_informer_disk', 'The metric value weight issued by disk informer', () => numberOf(sources.diskWeight()))
  scraped.gauges('helia_cluster_operations', 'Operations of the pin tracker by state', ['state'], () => rows(sources.operations()))
  scraped.counters(
    'helia_cluster_audited_pins_total', 'Pins that audits have looked at by what they found', ['outcome'], () => rows(sources.audits())
  )
  scraped.counters('helia_cluster_operations_total', 'Operations of the pin tracker by outcome', ['outcome'],
    () => rows(sources.operationCounts()).map(([labels, value]) => [labels.map(inSnakeCase), value]))
}

function watchCluster (scraped: ScrapedMetrics, sources: MetricSources): void {
  scraped.gauge(
    'helia_cluster_crdt_heads', 'Heads of the pinset\'s DAG; more than a few for long: changes cross', () => sources.crdt().heads
  )
  scraped.gauge('helia_cluster_crdt_height', 'Height of the pinset\'s DAG', () => sources.crdt().height)
  scraped.gauge('helia_cluster_crdt_behind', '1 while an announced branch is not merged yet', () => Number(sources.crdt().behind))
  scraped.gauge('helia_cluster_crdt_dirty', '1 while a branch is known to be incomplete', () => Number(sources.crdt().dirty))
  scraped.counters(
    'helia_cluster_lost_blocks_total', 'Blocks of the IPFS node that turned out to be damaged on the disk', [],
    () => [[[], sources.lostBlocks()]]
  )
  scraped.gauge(
    'helia_cluster_crdt_damaged', '1 after damage of the pinset on the disk, until everything is known to be back',
    () => Number(sources.crdt().damaged)
  )
  scraped.gauge('helia_cluster_members', 'Peers whose metrics are valid, this one included', () => sources.members())
  scraped.gauges(
    'helia_cluster_pinset_peers', 'Other peers by how their pinsets are to the one here', ['state'], () => rows(sources.pinsets())
  )
  scraped.gauge('helia_cluster_connected_peers', 'Connected peers of the cluster network', () => sources.connectedPeers())
  scraped.gauge(
    'helia_cluster_gossip_silent_peers', 'Connected members of which gossip brings nothing', () => sources.gossip().silent.length
  )
  scraped.counters(
    'helia_cluster_gossip_streams_reopened_total', 'Gossip streams that were opened in the place of lost ones on living connections', [],
    () => [[[], sources.gossip().reopened]]
  )
  scraped.gauge('helia_cluster_alerts', 'Metrics of peers that have expired', () => sources.alerts())
  scraped.counters('helia_cluster_network_bytes_total', 'Bytes of the cluster network by protocol', ['protocol', 'direction'],
    () => [...sources.bandwidth()].flatMap(
      ([protocol, { totalIn, totalOut }]) => [[[protocol, 'in'], totalIn], [[protocol, 'out'], totalOut]] as Row[]
    ))
}

function watchDenylists (scraped: ScrapedMetrics, sources: MetricSources): void {
  const byList = (figure: (list: ReturnType<MetricSources['denylists']>[number]) => number) => (): Row[] => {
    const sums = new Map<string, number>()
    for (const list of sources.denylists()) sums.set(list.name, (sums.get(list.name) ?? 0) + figure(list))
    return [...sums].map(([name, value]) => [[name], value])
  }
  scraped.gauges('helia_cluster_denylist_rules', 'Rules of a denylist that are in force', ['list'], byList(({ rules }) => rules))
  scraped.gauges(
    'helia_cluster_denylist_broken', '1 while a denylist can not be used as it is now and its last good rules are in force', ['list'],
    byList(({ fault }) => fault === '' ? 0 : 1)
  )
  scraped.counters(
    'helia_cluster_denied_total', 'Requests for content that were refused because of a denylist', ['list'], byList(({ hits }) => hits)
  )
}

/** The same on each peer of a service: what is asked for is in the database that they share. */
function watchService (scraped: ScrapedMetrics, ask: NonNullable<MetricSources['service']>): void {
  const byState = (name: string, help: string, figure: 'users' | 'files' | 'pins' | 'tasks'): void =>
    scraped.gauges(name, help, ['state'], () => rows(ask()?.[figure] ?? {}))
  byState('helia_cluster_service_users', 'Accounts of the service by state', 'users')
  byState('helia_cluster_service_files', 'Files of the service by state', 'files')
  byState('helia_cluster_service_pins', 'Pins of the service by status', 'pins')
  byState('helia_cluster_service_tasks', 'Tasks of the service by state; finished ones are kept for 30 days', 'tasks')
  scraped.gauge(
    'helia_cluster_service_unapplied_pins', 'Items of the pinset that the service still has to make or remove', () => ask()?.unappliedPins
  )
  scraped.gauge('helia_cluster_service_open_uploads', 'Resumable uploads that are under way', () => ask()?.openUploads)
  scraped.gauge('helia_cluster_service_used_bytes', 'What counts for the quotas of all users, in bytes', () => ask()?.usedBytes)
  scraped.gauge('helia_cluster_service_quota_bytes', 'What all users may store, in bytes', () => ask()?.quotaBytes)
  scraped.gauge(
    'helia_cluster_service_nearly_full_users', 'Users that have used more than nine tenths of their quota', () => ask()?.nearlyFullUsers
  )
}

function watchWorkers (scraped: ScrapedMetrics, sources: MetricSources): void {
  const byWorker = (figure: 'runs' | 'errors' | 'consecutiveErrors') => (): Row[] => {
    const sums = new Map<string, number>()
    for (const status of sources.workers()) sums.set(status.name, (sums.get(status.name) ?? 0) + status[figure])
    return [...sums].map(([name, value]) => [[name], value])
  }
  scraped.counters('helia_cluster_worker_runs_total', 'Runs of background work', ['worker'], byWorker('runs'))
  scraped.counters('helia_cluster_worker_errors_total', 'Failed runs of background work', ['worker'], byWorker('errors'))
  scraped.gauges('helia_cluster_worker_errors_in_a_row', 'Failed runs since the last good one', ['worker'], byWorker('consecutiveErrors'))
}

/** Label values in the order of the label names, and the value. */
type Row = [labels: string[], value: number]

const rows = (record: Readonly<Record<string, number>>): Row[] => Object.entries(record).map(([name, value]) => [[name], value])
const numberOf = (weight: bigint | undefined): number | undefined => weight == null ? undefined : Number(weight)
const inSnakeCase = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/** Metrics whose values are asked at each scrape. What throws has no sample then: a peer that is still starting can be scraped. */
class ScrapedMetrics {
  readonly #registry: Registry

  constructor (registry: Registry) { this.#registry = registry }

  gauge (name: string, help: string, ask: () => number | undefined): void {
    this.gauges(name, help, [], () => {
      const value = ask()
      return value == null ? [] : [[[], value]]
    })
  }

  gauges (name: string, help: string, labelNames: string[], ask: () => Row[]): void {
    this.#registry.registerMetric(new Gauge({
      name, help, labelNames, registers: [], collect () { refill(this, labelNames, ask, (labels, value) => this.set(labels, value)) }
    }))
  }

  counters (name: string, help: string, labelNames: string[], ask: () => Row[]): void {
    this.#registry.registerMetric(new Counter({
      name, help, labelNames, registers: [], collect () { refill(this, labelNames, ask, (labels, value) => this.inc(labels, value)) }
    }))
  }
}

function refill (
  metric: { reset (): void, remove (): void }, labelNames: string[], ask: () => Row[],
  put: (labels: Record<string, string>, value: number) => void
): void {
  const found = askedRows(ask)
  metric.reset()
  // a reset metric without labels has the value 0
  if (found.length === 0 && labelNames.length === 0) metric.remove()
  for (const [labels, value] of found) put(Object.fromEntries(labelNames.map((name, at) => [name, labels[at] ?? ''])), value)
}

function askedRows (ask: () => Row[]): Row[] {
  try {
    return ask()
  } catch {
    return []
  }
}
