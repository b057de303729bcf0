import type { Clock, Random } from '../base/clock.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { Consensus, PinsetChange } from '../consensus/consensus.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { Alert } from '../model/metric.ts'
import { parsePingValue } from '../model/metric.ts'
import { formatTime } from '../model/time.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { OperationChange } from '../tracker/tracker.ts'
import { EventRing } from './event-ring.ts'
import type { EventBatch, EventData, EventFeed, FollowOptions } from './events.ts'
import { shortText } from './events.ts'
import type { Warning } from './warnings.ts'

export interface ClusterEventsInit {
  self: PeerId
  /** The metric that makes a peer a member. */
  peersetMetric: string
}

export interface ClusterEventsDeps {
  consensus: Pick<Consensus, 'onChange'>
  tracker: { onOperation (listener: (change: OperationChange) => void): () => void }
  monitor: Pick<Monitor, 'latest' | 'lastKnownOf' | 'onAlert'>
  warnings?: { onWarning (listener: (warning: Warning) => void): () => void } | undefined
  workers: Workers
  clock: Clock
  random: Random
}

/** A long piece of work of the service, as an operator sees it. */
export interface TaskChange { taskId: string, kind: string, state: string, error: string | null }

const maxEvents = 4096
const maxReaders = 2048
const lookMs = 1000

/**
 * What happens in the cluster, as this peer sees it: the pinset's changes, by whomever they were made (`pin.put`, `pin.removed`); how its own pins go (`pin.status`); members
 * that come and go (`peer.up`, `peer.down`); metrics that expire (`alert`); warnings of this peer's log (`warning`); tasks of the service (`task.status`). The log begins anew
 * with each start.
 */
export class ClusterEvents implements EventFeed, Startable {
  readonly name = 'events'
  readonly #init: ClusterEventsInit
  readonly #deps: ClusterEventsDeps
  readonly #ring: EventRing
  readonly #ends: Array<() => void> = []
  #members: Set<PeerId> | undefined
  #looking: WorkerHandle | undefined

  /** Hears the pinset's changes from now on. */
  constructor (init: ClusterEventsInit, deps: ClusterEventsDeps) {
    const { clock, random, consensus, tracker, monitor, warnings } = deps
    this.#init = init
    this.#deps = deps
    this.#ring = new EventRing({ prefix: `${Buffer.from(random.bytes(6)).toString('base64url')}.`, maxEvents, maxReaders }, { clock })
    this.#ends.push(
      consensus.onChange(changes => this.#pinset(changes)),
      tracker.onOperation(change => this.#operation(change)),
      monitor.onAlert(alert => this.#alert(alert)),
      warnings?.onWarning(warning => this.#warning(warning)) ?? (() => {})
    )
  }

  get readers (): number { return this.#ring.readers }

  async start (): Promise<void> {
    this.#looking = this.#deps.workers.add({
      name: 'events of members',
      intervalMs: () => lookMs,
      work: async () => {
        this.#look()
        return 'idle'
      }
    })
  }

  async drain (): Promise<void> { this.#ring.close() }

  async stop (): Promise<void> {
    this.#ring.close()
    for (const end of this.#ends.splice(0)) end()
    await this.#looking?.stop()
  }

  follow (options: FollowOptions): AsyncIterable<EventBatch> { return this.#ring.follow(options) }

  task ({ taskId, kind, state, error }: TaskChange): void {
    this.#ring.add('task.status', { task_id: taskId, kind, state, ...(error == null ? {} : { error: shortText(error) }) })
  }

  #pinset (changes: readonly PinsetChange[]): void {
    for (const { cid, pin } of changes) {
      if (pin == null) this.#ring.add('pin.removed', cidData(cid))
      else this.#ring.add('pin.put', () => ({ cid: cid.toString(), name: shortText(pin.name), type: pin.type, allocations: pin.allocations }))
    }
  }

  #operation ({ cid, status, error, attempts }: OperationChange): void {
    const peer = this.#init.self
    this.#ring.add('pin.status', () => ({ cid: cid().toString(), peer, status, ...(error === '' ? {} : { error: shortText(error) }), ...(attempts > 0 ? { attempts } : {}) }))
  }

  #alert (alert: Alert): void {
    const { name, peer, triggeredAt } = alert
    this.#ring.add('alert', { metric: name, peer, peername: this.#nameOf(peer), triggered_at: formatTime(triggeredAt) })
  }

  #warning ({ level, component, message }: Warning): void {
    this.#ring.add('warning', { level, component, message: shortText(message) })
  }

  #look (): void {
    const before = this.#members
    const now = this.#members = new Set(this.#deps.monitor.latest(this.#init.peersetMetric).map(({ peer }) => peer))
    if (before == null) return
    for (const peer of now) if (!before.has(peer)) this.#ring.add('peer.up', { peer, peername: this.#nameOf(peer) })
    for (const peer of before) if (!now.has(peer)) this.#ring.add('peer.down', { peer, peername: this.#nameOf(peer) })
  }

  #nameOf (peer: PeerId): string {
    const ping = this.#deps.monitor.lastKnownOf('ping', peer)
    return ping == null ? '' : shortText(parsePingValue(ping.value).peerName)
  }
}

const cidData = (cid: CID) => (): EventData => ({ cid: cid.toString() })
