import type { Clock, Random } from '../base/clock.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { Consensus, PinsetChange } from '../consensus/consensus.ts'
import { cidText } from '../model/cid.ts'
import type { CID, PeerId } from '../model/cid.ts'
import type { ClusterEventType } from '../model/event-types.ts'
import type { Alert } from '../model/metric.ts'
import { parsePingValue } from '../model/metric.ts'
import { formatTime } from '../model/time.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { RemotePeers } from '../network/remote-peers.ts'
import type { OwnStatuses, RemoteStatuses, StatusChange } from '../network/remote-statuses.ts'
import type { OperationChange } from '../tracker/tracker.ts'
import { EventRing, UnreadData } from './event-ring.ts'
import type { EventBatch, EventData, EventFeed, FollowOptions, LoggedEvent } from './events.ts'
import { oldestPlace, shortText } from './events.ts'
import { StatusesElsewhere } from './statuses-elsewhere.ts'
import type { StatusData } from './status-log.ts'
import { logPrefix, StatusLog } from './status-log.ts'
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
  /** How the other members' pins are heard of. Absent: not at all. */
  elsewhere?: { statuses: RemoteStatuses, remotes: Pick<RemotePeers, 'status' | 'statusAll'>, log: Logger } | undefined
  warnings?: { onWarning (listener: (warning: Warning) => void): () => void } | undefined
  workers: Workers
  clock: Clock
  random: Random
}

/** How far the drain of a peer is. */
export interface DrainChange { peer: PeerId, state: string, left: number, moved: number, reason: string }

/** A long piece of work of the service, as an operator sees it. */
export interface TaskChange { taskId: string, kind: string, state: string, error: string | null }

const maxEvents = 4096
const maxReaders = 2048
const lookMs = 1000

/**
 * What happens in the cluster, as this peer sees it: the pinset's changes, by whomever they were made (`pin.put`, `pin.removed`); how pins
 * go on this peer, and on the others while somebody listens (`pin.status`; `pin.status.missed`: some of a peer's are lost); members that
 * come and go (`peer.up`, `peer.down`), or whose pinset isn't this one's (`peer.sync`), or that this peer drains (`peer.drain`); metrics
 * that expire (`alert`); warnings of this peer's log (`warning`); tasks of the service (`task.status`). The log begins anew with each
 * start.
 */
export class ClusterEvents implements EventFeed, Startable {
  readonly name = 'events'
  readonly #init: ClusterEventsInit
  readonly #deps: ClusterEventsDeps
  readonly #ring: EventRing<ClusterEventType>
  readonly #own: StatusLog
  readonly #elsewhere: StatusesElsewhere | undefined
  /** The last event before this peer began to hear of the others: whoever goes on before it has missed some of theirs. */
  #deafUntil = 0
  readonly #ends: Array<() => void> = []
  readonly #nameOfSelf = (): string => this.#nameOf(this.#init.self)
  #members: Set<PeerId> | undefined
  #looking: WorkerHandle | undefined

  /** Hears the pinset's changes from now on. */
  constructor (init: ClusterEventsInit, deps: ClusterEventsDeps) {
    const { clock, random, consensus, tracker, monitor, elsewhere, warnings } = deps
    this.#init = init
    this.#deps = deps
    this.#ring = new EventRing({ prefix: logPrefix(random), maxEvents, maxReaders }, { clock })
    this.#own = new StatusLog({ clock, random })
    this.#elsewhere = elsewhere == null ? undefined : new StatusesElsewhere({
      ...elsewhere, workers: deps.workers, clock, told: (peer, change) => this.#toldBy(peer, change),
      missed: peer => this.#ring.add('pin.status.missed', { peer, peername: this.#nameOf(peer) })
    })
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

  async drain (): Promise<void> { this.#close() }

  async stop (): Promise<void> {
    this.#close()
    for (const end of this.#ends.splice(0)) end()
    await this.#looking?.stop()
    await this.#elsewhere?.stop()
  }

  /** How pins go on this peer, for the others. */
  get ownStatuses (): OwnStatuses { return this.#own }

  async * follow (options: FollowOptions): AsyncGenerator<EventBatch, void, undefined> {
    const place = options.after == null || options.after === oldestPlace ? undefined : this.#ring.placeOf(options.after)
    const leave = this.#listen()
    let wasDeaf = place != null && place < this.#deafUntil
    try {
      for await (const batch of this.#ring.follow(options)) {
        yield wasDeaf ? { ...batch, missed: true } : batch
        wasDeaf = false
      }
    } finally {
      leave()
    }
  }

  peerDrain ({ peer, state, left, moved, reason }: DrainChange): void {
    this.#ring.add('peer.drain', {
      peer, peername: this.#nameOf(peer), state, left, moved, ...(reason === '' ? {} : { reason: shortText(reason) })
    })
  }

  task ({ taskId, kind, state, error }: TaskChange): void {
    this.#ring.add('task.status', { task_id: taskId, kind, state, ...(error == null ? {} : { error: shortText(error) }) })
  }

  /** A peer's pinset got out of sync with this one's, or came back. */
  peerSync ({ peer, state }: { peer: PeerId, state: string }): void {
    this.#ring.add('peer.sync', { peer, peername: this.#nameOf(peer), state })
  }

  #pinset (changes: readonly PinsetChange[]): void {
    this.#elsewhere?.pinset(changes)
    for (const { cid, pin } of changes) {
      if (pin == null) this.#ring.add('pin.removed', cidData(cid))
      // texts, not the pin: that would be held with it, a kilobyte for each of thousands that a joining peer hears of in a moment
      else this.#ring.add('pin.put', { cid: cidText(cid), name: shortText(pin.name), type: pin.type, allocations: pin.allocations })
    }
  }

  #operation (change: OperationChange): void {
    const event = this.#own.add(new OperationData(change, this.#init.self))
    this.#ring.add('pin.status', new OwnStatusData(event, this.#nameOfSelf))
  }

  #toldBy (peer: PeerId, { agoMs, ...change }: StatusChange): void {
    this.#ring.add(
      'pin.status', () => ({ ...statusData({ peer, ...change }), peername: this.#nameOf(peer) }), this.#deps.clock.now() - agoMs
    )
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
    this.#elsewhere?.members(this.#others())
    if (before == null) return
    for (const peer of now) if (!before.has(peer)) this.#ring.add('peer.up', { peer, peername: this.#nameOf(peer) })
    for (const peer of before) if (!now.has(peer)) this.#ring.add('peer.down', { peer, peername: this.#nameOf(peer) })
  }

  #others (): PeerId[] { return [...this.#members ?? []].filter(peer => peer !== this.#init.self) }

  #listen (): () => void {
    const elsewhere = this.#elsewhere
    if (elsewhere == null) return () => {}
    if (!elsewhere.hears) this.#deafUntil = this.#ring.last
    const leave = elsewhere.listen()
    elsewhere.members(this.#others())
    return leave
  }

  #close (): void {
    this.#ring.close()
    this.#own.close()
  }

  #nameOf (peer: PeerId): string {
    const ping = this.#deps.monitor.lastKnownOf('ping', peer)
    return ping == null ? '' : shortText(parsePingValue(ping.value).peerName)
  }
}

/** What an operation's event tells other peers. */
class OperationData extends UnreadData {
  readonly #change: OperationChange
  readonly #peer: PeerId

  constructor (change: OperationChange, peer: PeerId) {
    super()
    this.#change = change
    this.#peer = peer
  }

  toData (): EventData {
    const { status, error, attempts } = this.#change
    return statusData({ cid: this.#change.cid().toString(), peer: this.#peer, status, error, attempts })
  }
}

/** The same for who listens here. */
class OwnStatusData extends UnreadData {
  readonly #event: LoggedEvent
  readonly #name: () => string

  constructor (event: LoggedEvent, name: () => string) {
    super()
    this.#event = event
    this.#name = name
  }

  toData (): EventData { return { ...this.#event.data, peername: this.#name() } }
}

/** Only what there is to say. */
const statusData = ({ cid, peer, status, error, attempts }: Required<StatusData>): StatusData & EventData =>
  ({ cid, peer, status, ...(error === '' ? {} : { error: shortText(error) }), ...(attempts > 0 ? { attempts } : {}) })

const cidData = (cid: CID): EventData => ({ cid: cidText(cid) })
