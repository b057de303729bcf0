import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Metric } from '../../model/metric.ts'
import type { SqlDatabase } from '../sql/sql.ts'

export interface ServiceIdentityInit {
  self: PeerId
  /** How long this peer listens before it announces its own service: so long others take at most to tell theirs. Milliseconds. */
  quietMs: number
}

export interface ServiceIdentityDeps {
  database: Pick<SqlDatabase, 'serviceId'>
  /** What the cluster's peers announce. */
  announced: () => readonly Pick<Metric, 'peer' | 'value'>[]
  /** The cluster's peers. */
  members: () => readonly PeerId[]
  /** Has this peer's own announcement go out now: there is somebody new. */
  announceSoon: () => void
  workers: Workers
  clock: Clock
  log: Logger
}

const lookMs = 1000

/**
 * Another peer's service that keeps this one from serving; null when there is none. Who has announced theirs stays; of two that have, the
 * one with the lesser UUID.
 */
function foreignService (
  own: string,
  { self, isAnnounced, announced }: { self: PeerId, isAnnounced: boolean, announced: readonly Pick<Metric, 'peer' | 'value'>[] }
): { peer: PeerId, service: string } | null {
  const foreign = announced.find(({ peer, value }) => peer !== self && value !== own && (!isAnnounced || value < own))
  return foreign == null ? null : { peer: foreign.peer, service: foreign.value }
}

/**
 * One cluster has one service: peers announce the UUID of its database. A peer with another database (one that was meant to share
 * PostgreSQL, and was started with its own SQLite file) refuses to serve, and says so, until one of the two is gone.
 */
export class ServiceIdentity implements Startable {
  readonly name = 'service identity'
  readonly #init: ServiceIdentityInit
  readonly #deps: ServiceIdentityDeps
  #quietUntil = Infinity
  #isAnnounced = false
  #foreign: { peer: PeerId, service: string } | null = null
  #members: ReadonlySet<PeerId> = new Set()
  #looking: WorkerHandle | undefined

  constructor (init: ServiceIdentityInit, deps: ServiceIdentityDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#quietUntil = this.#deps.clock.elapsed() + this.#init.quietMs
    this.#look()
    this.#looking = this.#deps.workers.add({
      name: 'identity of the service',
      intervalMs: () => lookMs,
      work: async () => {
        this.#look()
        this.#greet()
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> { await this.#looking?.stop() }

  /** What is to be announced; undefined while there is nothing, or nothing yet. */
  ownId (): string | undefined { return this.#isAnnounced && this.#foreign == null ? this.#deps.database.serviceId() : undefined }

  /** Why this peer must not serve. */
  refusal (): ClusterError | null {
    if (this.#foreign == null) return null
    return new ClusterError('NOT_READY', { ...this.#foreign }, {
      message: 'this peer has another service database than the cluster: its operator has to correct the configuration'
    })
  }

  /** Peers that have just come would else hear of this service when its next announcement is due. */
  #greet (): void {
    const members = new Set(this.#deps.members())
    const isNew = [...members].some(peer => !this.#members.has(peer))
    this.#members = members
    if (isNew && this.ownId() != null) this.#deps.announceSoon()
  }

  #look (): void {
    const before = this.#foreign
    const own = this.#deps.database.serviceId()
    this.#foreign = foreignService(own, { self: this.#init.self, isAnnounced: this.#isAnnounced, announced: this.#deps.announced() })
    if (this.#foreign == null && this.#deps.clock.elapsed() >= this.#quietUntil) this.#isAnnounced = true
    if (this.#foreign != null && before == null) {
      this.#deps.log.error(
        'the service refuses to serve: the database of this peer is not the one of the cluster', { own, ...this.#foreign }
      )
    }
    if (this.#foreign == null && before != null) this.#deps.log.info('the service serves again: no other one is announced', { own })
  }
}
