import { ClusterError } from '../../src/base/errors.ts'
import type { PinningStatus } from '../../src/model/pinning-service.ts'
import type {
  AcquireOptions, ClusterPins, ClusterPinStatus, SizeListener, StatusesListener, StatusListener
} from '../../src/service/cluster-pins/cluster-pins.ts'
import { Waiters } from '../../src/service/cluster-pins/waiters.ts'
import type { Sql, SqlDatabase } from '../../src/service/sql/sql.ts'

/** Pins of a cluster that does what a test says: owners are in the database's table, statuses come from `become`. */
export class FakeClusterPins implements ClusterPins {
  readonly name = 'cluster pins'
  readonly #database: Pick<SqlDatabase, 'db' | 'transaction' | 'now'>
  readonly #onStatuses: StatusesListener[] = []
  readonly #onSize: SizeListener[] = []
  readonly #waiters = new Waiters()
  /** What is said of pins beside their state. */
  readonly infos = new Map<string, Record<string, string>>()
  readonly origins = new Map<string, readonly string[]>()
  /** How a pin stands at once. */
  first: PinningStatus = 'queued'

  constructor (database: Pick<SqlDatabase, 'db' | 'transaction' | 'now'>) { this.#database = database }

  async start (): Promise<void> {}
  async stop (): Promise<void> {}
  wake (): void {}
  async applied (): Promise<void> {}
  async refresh (): Promise<void> {}
  async nextStatus (cid: string, { signal }: { signal: AbortSignal }): Promise<void> { await this.#waiters.wait(cid, signal) }
  onStatus (listener: StatusListener): void {
    this.onStatuses(async (tx, changes) => { for (const [cid, status] of changes) await listener(tx, cid, status) })
  }
  onStatuses (listener: StatusesListener): void { this.#onStatuses.push(listener) }
  onSize (listener: SizeListener): void { this.#onSize.push(listener) }

  async acquire (tx: Sql, cid: string, { name = '', origins = [] }: AcquireOptions = {}): Promise<ClusterPinStatus> {
    const row = await tx.selectFrom('cluster_pins').selectAll().where('cid', '=', cid).executeTakeFirst()
    this.origins.set(cid, origins)
    if (row != null) {
      await tx.updateTable('cluster_pins').set({ owners: row.owners + 1 }).where('cid', '=', cid).execute()
      return statusOf(row.status)
    }
    await tx.insertInto('cluster_pins').values({
      cid, owners: 1, want: 'pin', status: this.first, name, changed_at: this.#database.now()
    }).execute()
    return statusOf(this.first)
  }

  async acquireMany (tx: Sql, wishes: ReadonlyArray<AcquireOptions & { cid: string }>): Promise<Map<string, ClusterPinStatus>> {
    const statuses = new Map<string, ClusterPinStatus>()
    for (const { cid, ...options } of wishes) statuses.set(cid, await this.acquire(tx, cid, options))
    return statuses
  }

  async release (tx: Sql, cid: string): Promise<void> {
    const row = await tx.selectFrom('cluster_pins').selectAll().where('cid', '=', cid).executeTakeFirst()
    if (row == null) throw new ClusterError('INTERNAL', { cid })
    if (row.owners === 1) await tx.deleteFrom('cluster_pins').where('cid', '=', cid).execute()
    else await tx.updateTable('cluster_pins').set({ owners: row.owners - 1 }).where('cid', '=', cid).execute()
  }

  async status (cid: string): Promise<ClusterPinStatus | undefined> { return (await this.statuses([cid])).get(cid) }

  async statuses (cids: readonly string[]): Promise<Map<string, ClusterPinStatus>> {
    const rows = await this.#database.db.selectFrom('cluster_pins').selectAll().where('cid', 'in', cids).execute()
    return new Map(rows.map(row => [row.cid, { ...statusOf(row.status), info: this.infos.get(row.cid) ?? {} }]))
  }

  /** Owners by CID. */
  async owners (): Promise<Record<string, number>> {
    const rows = await this.#database.db.selectFrom('cluster_pins').select(['cid', 'owners']).execute()
    return Object.fromEntries(rows.map(({ cid, owners }) => [cid, owners]))
  }

  /** The cluster says something new. */
  async become (cid: string, state: PinningStatus, info: Record<string, string> = {}): Promise<void> {
    this.infos.set(cid, info)
    await this.#database.transaction(async tx => {
      await tx.updateTable('cluster_pins').set({ status: state }).where('cid', '=', cid).execute()
      for (const listener of this.#onStatuses) await listener(tx, new Map([[cid, { ...statusOf(state), info }]]))
    })
    this.#waiters.tell(cid)
  }

  async learn (cid: string, bytes: number, over: readonly string[] = []): Promise<void> {
    await this.#database.transaction(async tx => { for (const listener of this.#onSize) await listener(tx, cid, bytes, over) })
  }
}

const statusOf = (state: PinningStatus): ClusterPinStatus => ({ state, replicas: state === 'pinned' ? 1 : 0, wanted: 1, info: {} })
