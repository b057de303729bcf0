import type { Clock } from '../../base/clock.ts'
import { orAborted, orLate } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { PinsetChange } from '../../consensus/consensus.ts'
import type { CID } from '../../model/cid.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { TrackerStatus } from '../../model/status.ts'
import type { Quota } from '../quota/quota.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import type { AcquireOptions, ClusterPins, ClusterPinStatus, SizeListener, StatusesListener, StatusListener } from './cluster-pins.ts'
import { Outbox } from './outbox.ts'
import type { Applied } from './outbox.ts'
import { PinsetWatch } from './pinset-watch.ts'
import { addOwner, addOwners, noteStatuses, removeOwner, rowOf, rowsOf, statusOf } from './rows.ts'
import { Sizer } from './sizer.ts'
import { StatusFollower } from './status-follower.ts'
import { Waiters } from './waiters.ts'

export interface ClusterPinsDeps {
  database: SqlDatabase
  cluster: Pick<ClusterApi, 'pin' | 'unpin' | 'allocation' | 'recover' | 'status' | 'statusAll' | 'progress'>
  /** Tells of changes that others make in the pinset. Without it they are found by the reconciliation. */
  pinset?: { onChange (listener: (changes: readonly PinsetChange[]) => void): () => void }
  /** Tells what this peer's own pins have come to. Without it they are asked about by their time. */
  tracker?: { onOperation (listener: (change: { cid (): CID, status: TrackerStatus }) => void): () => void } | undefined
  quota: Pick<Quota, 'settle'>
  /** Bytes of a whole DAG that the cluster has pinned (`dagSize`). */
  sizeOf: (cid: CID, options: { signal: AbortSignal }) => Promise<number>
  workers: Workers
  clock: Clock
  log: Logger
}

/** Other peers on the database may do the work: whoever waits looks this often. */
const lookMs = 500
const usualRefreshMs = 250
const mostRefreshed = 32

/** `ClusterPins` on the service's database and the use cases of this peer. */
export function clusterPins (deps: ClusterPinsDeps): ClusterPins { return new OutboxedClusterPins(deps) }

class OutboxedClusterPins implements ClusterPins {
  readonly name = 'service cluster pins'
  readonly #deps: ClusterPinsDeps
  readonly #statusListeners: StatusesListener[] = []
  readonly #sizeListeners: SizeListener[] = []
  readonly #waiters = new Waiters()
  readonly #statusWaiters = new Waiters()
  readonly #outbox: Outbox
  readonly #follower: StatusFollower
  readonly #sizer: Sizer
  readonly #watch: PinsetWatch
  readonly #asking = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()
  #unwatch = (): void => {}
  #handles: { outbox: WorkerHandle, follower: WorkerHandle, sizer: WorkerHandle, watch: WorkerHandle } | undefined

  constructor (deps: ClusterPinsDeps) {
    const { database, cluster, clock, log } = deps
    this.#deps = deps
    const listeners = this.#statusListeners
    this.#outbox = new Outbox({
      database, cluster, listeners, log, serviceId: () => database.serviceId(), done: results => this.#done(results)
    })
    this.#follower = new StatusFollower({ cluster, database, listeners, clock, log, changed: states => this.#noted(states) })
    this.#sizer = new Sizer({
      database, quota: deps.quota, sizeOf: deps.sizeOf, listeners: this.#sizeListeners, settled: () => this.wake(), clock, log
    })
    this.#watch = new PinsetWatch({ database, log, changed: () => this.#changed(), heard: cids => this.#follower.heard(cids) })
  }

  async start (): Promise<void> {
    const { workers, pinset, tracker } = this.#deps
    await this.#outbox.begin()
    if (pinset != null) this.#watch.follow(pinset)
    this.#handles = {
      outbox: workers.add(this.#outbox), follower: workers.add(this.#follower), sizer: workers.add(this.#sizer),
      watch: workers.add(this.#watch)
    }
    this.#watch.onChange(() => this.#handles?.watch.wake())
    this.#unwatch = tracker?.onOperation(change => { if (ends.has(change.status)) this.#ask([change.cid().toString()]) }) ?? this.#unwatch
  }

  async stop (): Promise<void> {
    this.#stopping.abort(new ClusterError('NOT_READY', {}, { message: 'the service stops' }))
    this.#watch.unfollow()
    this.#unwatch()
    const { outbox, follower, sizer, watch } = this.#handles ?? {}
    await Promise.all([outbox?.stop(), follower?.stop(), sizer?.stop(), watch?.stop()])
    await Promise.allSettled(this.#asking.values())
  }

  async acquire (tx: Sql, cid: string, options: AcquireOptions = {}): Promise<ClusterPinStatus> {
    return this.#owned(tx, await addOwner(tx, cid, { ...options, now: this.#deps.database.now() }))
  }

  async acquireMany (tx: Sql, requests: ReadonlyArray<AcquireOptions & { cid: string }>): Promise<Map<string, ClusterPinStatus>> {
    const owned = new Map<string, ClusterPinStatus>()
    for (const one of await addOwners(tx, requests, this.#deps.database.now())) owned.set(one.row.cid, await this.#owned(tx, one))
    return owned
  }

  /** What has failed for others is tried again for them, too. */
  async #owned (tx: Sql, { row, before }: { row: ClusterPinRow, before: ClusterPinRow | undefined }): Promise<ClusterPinStatus> {
    if (before?.status !== 'failed' || before.owners === 0) return statusOf(row)
    const again: ClusterPinStatus = { state: 'queued', replicas: row.replicas, wanted: row.wanted_replicas, info: {} }
    await noteStatuses(tx, [{ row: before, status: again }], this.#statusListeners)
    return again
  }

  async release (tx: Sql, cid: string): Promise<void> {
    if (!await removeOwner(tx, cid, this.#deps.database.now())) {
      throw new ClusterError('INTERNAL', { cid }, { message: `the pin of ${cid} has no owner` })
    }
  }

  wake (): void { this.#handles?.outbox.wake() }

  async applied (cid: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { clock, database } = this.#deps
    const ends = AbortSignal.any([this.#stopping.signal, ...(signal == null ? [] : [signal])])
    for (;;) {
      const look = new AbortController()
      // first in line, then look: nothing that happens in between is missed
      const told = this.#waiters.wait(cid, AbortSignal.any([ends, look.signal])).then(() => true)
      told.catch(() => {}) // lost races end here
      const cancel = clock.after(lookMs, () => look.abort(tryAgain))
      try {
        const row = await rowOf(database.db, cid)
        if (row == null || row.applied === 1) return
        this.wake()
        await told
        return
      } catch (err) {
        if (err !== tryAgain) throw err
      } finally {
        cancel()
        look.abort(tryAgain)
      }
    }
  }

  async nextStatus (cid: string, { signal }: { signal: AbortSignal }): Promise<void> { await this.#statusWaiters.wait(cid, signal) }

  async status (cid: string): Promise<ClusterPinStatus | undefined> {
    const row = await rowOf(this.#deps.database.db, cid)
    return row == null || row.owners === 0 ? undefined : statusOf(row)
  }

  async statuses (cids: readonly string[]): Promise<Map<string, ClusterPinStatus>> {
    const rows = await rowsOf(this.#deps.database.db, [...new Set(cids)])
    return new Map(rows.filter(({ owners }) => owners > 0).map(row => [row.cid, statusOf(row)]))
  }

  async refresh (
    cids: readonly string[], { waitMs = usualRefreshMs, signal }: { waitMs?: number, signal?: AbortSignal } = {}
  ): Promise<void> {
    const { clock, log } = this.#deps
    const asked = orLate(this.#refreshAll([...new Set(cids)].slice(0, mostRefreshed)), { clock, ms: waitMs })
    try {
      await (signal == null ? asked : orAborted(asked, signal))
    } catch (err) {
      log.debug('statuses could not be brought up to date', { err })
    }
  }

  onStatus (listener: StatusListener): void {
    this.onStatuses(async (tx, changes) => {
      for (const [cid, status] of changes) await listener(tx, cid, status)
    })
  }

  onStatuses (listener: StatusesListener): void { this.#statusListeners.push(listener) }
  onSize (listener: SizeListener): void { this.#sizeListeners.push(listener) }

  /** What is in the pinset is asked about at once; what isn't yet, each as soon as it is. */
  async #refreshAll (cids: readonly string[]): Promise<void> {
    const rows = (await rowsOf(this.#deps.database.db, cids.filter(cid => !this.#asking.has(cid))))
      .filter(({ cid, want, status }) => want === 'pin' && status !== 'pinned' && !this.#asking.has(cid))
    const [there, waiting] = [rows.filter(({ applied }) => applied === 1), rows.filter(({ applied }) => applied === 0)]
    if (there.length > 0) this.#remember(there, this.#askNow(there))
    for (const row of waiting) this.#remember([row], this.#askOnceApplied(row.cid))
    await Promise.all(new Set(cids.map(cid => this.#asking.get(cid))))
  }

  #remember (rows: readonly ClusterPinRow[], asking: Promise<void>): void {
    const done = asking.catch(err => this.#deps.log.debug('statuses of pins could not be brought up to date', { err }))
      .finally(() => { for (const { cid } of rows) this.#asking.delete(cid) })
    for (const { cid } of rows) this.#asking.set(cid, done)
  }

  async #askOnceApplied (cid: string): Promise<void> {
    await this.applied(cid)
    const row = await rowOf(this.#deps.database.db, cid)
    if (row?.applied === 1 && row.status !== 'pinned') await this.#askNow([row])
  }

  async #askNow (rows: readonly ClusterPinRow[]): Promise<void> { await this.#follower.ask(rows, this.#stopping.signal) }

  #changed (): void {
    this.wake()
    this.#handles?.follower.wake()
  }

  /** In the next group of questions. */
  #ask (cids: readonly string[]): void {
    this.#follower.tell(cids)
    this.#handles?.follower.wake()
  }

  #noted (states: ReadonlyArray<{ cid: string, state: PinningStatus }>): void {
    for (const { cid } of states) this.#statusWaiters.tell(cid)
    this.#sizer.tell(states.filter(({ state }) => state === 'pinned').map(({ cid }) => cid))
    this.#handles?.sizer.wake()
  }

  #done (results: readonly Applied[]): void {
    for (const { cid, kind, err } of results) {
      this.#waiters.tell(cid, err)
      if (kind === 'failed') this.#statusWaiters.tell(cid)
    }
    this.#ask(results.filter(({ kind }) => kind === 'there').map(({ cid }) => cid))
  }
}

/** With these the tracker has done with a pin, for now. */
const ends: ReadonlySet<TrackerStatus> = new Set<TrackerStatus>(['pinned', 'pin_error'])

const tryAgain = new Error('look again')
