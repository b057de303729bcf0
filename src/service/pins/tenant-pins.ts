import type { Clock, Random } from '../../base/clock.ts'
import { deadline } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { isPrivateAddress, systemAddresses } from '../../base/public-address.ts'
import { parseCid } from '../../model/cid.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import { refuseDeniedCid } from '../../ipfs/denylist.ts'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { ClusterPins, ClusterPinStatus } from '../cluster-pins/cluster-pins.ts'
import type { Quota } from '../quota/quota.ts'
import type { UserEvents } from '../events/user-events.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { PinRow } from '../sql/tables.ts'
import { countsOf, search } from './pin-search.ts'
import { isLetGo, PinRows } from './pin-rows.ts'
import type { FoundPins, PinFilter, PinListener, PinOwner, Pins, TakenOver, TenantPin, WantedPin } from './pins.ts'

export interface TenantPinsInit {
  /** Whether addresses of users may be in private networks. */
  privateAllowed: boolean
}

export interface TenantPinsDeps {
  database: SqlDatabase
  clusterPins: ClusterPins
  quota: Pick<Quota, 'hold' | 'holdMany' | 'drop'>
  denylist?: Denylist | undefined
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  clock: Clock
  random: Random
  log: Logger
}

/** How long a removal waits until the pinset is without the pin. */
const removalMs = 1000
/** Pins that were made so lately may be done in the next moment: before a list they are asked for again, a few times. */
const freshMs = 2000
const youngMs = 15_000
const looks = 3
const lookEveryMs = 40
const mostAsked = 10
const batchSize = 500

const underWay: readonly PinningStatus[] = ['queued', 'pinning']

/** `Pins` in the service's database: each user's pin requests, beside those of others for the same CID. */
export function tenantPins (init: TenantPinsInit, deps: TenantPinsDeps): Pins { return new TenantPins(init, deps) }

class TenantPins implements Pins {
  readonly name = 'service pins'
  readonly #deps: TenantPinsDeps
  readonly #rows: PinRows
  readonly #listeners: PinListener[] = []

  constructor ({ privateAllowed }: TenantPinsInit, deps: TenantPinsDeps) {
    const { clusterPins, database, quota, events, random } = deps
    this.#deps = deps
    const dialable = originPolicy({ privateAllowed })
    this.#rows = new PinRows({
      clusterPins, quota, events, dialable, listeners: this.#listeners, now: () => database.now(), requestId: () => opaqueId(random)
    })
    clusterPins.onStatuses(async (tx, changes) => this.#rows.follow(tx, changes))
    clusterPins.onSize(async (tx, cid, bytes, over) => this.#rows.measured(tx, cid, { bytes, over }))
  }

  async start (): Promise<void> { /* its rows are those of the database */ }
  async stop (): Promise<void> { /* nothing is open */ }

  async create (owner: PinOwner, wanted: WantedPin): Promise<TenantPin> {
    this.#refuseDenied(wanted)
    const { database, clusterPins } = this.#deps
    const row = await database.transaction(async tx => this.#rows.insert(tx, owner, wanted))
    clusterPins.wake()
    return this.#present(row)
  }

  async takeOver (tx: Sql, owner: PinOwner, wanted: readonly WantedPin[]): Promise<TakenOver> {
    const allowed = wanted.filter(one => !this.#isDenied(one))
    const cids = [...new Set(allowed.map(({ cid }) => cid))]
    const known = cids.length === 0
      ? []
      : await tx.selectFrom('pins').select(['cid', 'name']).where('user_id', '=', owner.id).where('cid', 'in', cids).execute()
    const have = new Set(known.map(keyOf))
    const fresh: WantedPin[] = []
    for (const one of allowed) {
      if (have.has(keyOf(one))) continue
      have.add(keyOf(one))
      fresh.push(one)
    }
    // a CID that comes twice, under two names, is a pin by itself
    const firsts = new Map(fresh.map(one => [one.cid, one]))
    await this.#rows.insertMany(tx, owner, [...firsts.values()])
    for (const one of fresh) if (firsts.get(one.cid) !== one) await this.#rows.insert(tx, owner, one)
    return { imported: fresh.length, known: allowed.length - fresh.length, refused: wanted.length - allowed.length }
  }

  async find (user: string, filter: PinFilter, { limit, signal }: { limit: number, signal?: AbortSignal }): Promise<FoundPins> {
    const { database } = this.#deps
    await this.#freshen(user, filter, signal)
    const { count, rows } = await search(database, user, filter, limit)
    return { count, pins: await this.#presentAll(rows) }
  }

  async get (user: string, requestId: string, { signal }: { signal?: AbortSignal } = {}): Promise<TenantPin> {
    const { database, clusterPins } = this.#deps
    const row = await this.#rows.of(database.db, user, requestId)
    if (row.status === 'pinned' || isLetGo(row)) return this.#present(row)
    await clusterPins.refresh([row.cid], signal == null ? {} : { signal })
    return this.#present(await this.#rows.of(database.db, user, requestId))
  }

  async change (owner: PinOwner, requestId: string, wanted: WantedPin): Promise<TenantPin> {
    const { database, clusterPins } = this.#deps
    const row = await database.transaction(async tx => {
      const row = await this.#rows.of(tx, owner.id, requestId)
      if (row.cid !== wanted.cid) {
        throw new ClusterError(
          'INVALID_ARGUMENT', { cid: wanted.cid.slice(0, 200) }, { message: `the CID of a pin can't be changed: it is ${row.cid}` }
        )
      }
      return this.#rows.update(tx, row, wanted)
    })
    clusterPins.wake()
    return this.#present(row)
  }

  async replace (owner: PinOwner, requestId: string, wanted: WantedPin): Promise<TenantPin> {
    this.#refuseDenied(wanted)
    const { database, clusterPins } = this.#deps
    const row = await database.transaction(async tx => {
      const old = await this.#rows.of(tx, owner.id, requestId)
      const made = await this.#rows.insert(tx, owner, wanted)
      await this.#rows.remove(tx, old)
      return made
    })
    clusterPins.wake()
    return this.#present(row)
  }

  async remove (user: string, requestId: string): Promise<void> {
    const { database, clusterPins, clock, log } = this.#deps
    const { cid } = await database.transaction(async tx => {
      const row = await this.#rows.of(tx, user, requestId)
      await this.#rows.remove(tx, row)
      return row
    })
    clusterPins.wake()
    const late = deadline(clock, removalMs, () => new ClusterError('TIMEOUT', { cid }))
    try {
      await clusterPins.applied(cid, { signal: late.signal })
    } catch (err) {
      log.debug('the removal of a pin is not complete yet', { cid, err })
    } finally {
      late.clear()
    }
  }

  async removeOf (tx: Sql, user: string, cid: string): Promise<number> {
    const rows = await tx.selectFrom('pins').selectAll().where('user_id', '=', user).where('cid', '=', cid).execute()
    for (const row of rows) await this.#rows.remove(tx, row)
    return rows.length
  }

  async counts (user: string): Promise<Record<PinningStatus, number>> { return countsOf(this.#deps.database, user) }

  async * all (user: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<TenantPin[]> {
    for (let after = -1; ;) {
      signal?.throwIfAborted()
      const rows = await this.#deps.database.db.selectFrom('pins').selectAll().where('user_id', '=', user).where('created', '>', after)
        .orderBy('created').limit(batchSize).execute()
      if (rows.length > 0) yield this.#presentAll(rows)
      if (rows.length < batchSize) return
      after = rows.at(-1)?.created ?? after
    }
  }

  onChange (listener: PinListener): void { this.#listeners.push(listener) }

  /**
   * What was pinned a moment ago may be done: the newest that are under way are asked for; those of the last seconds a few times, when a
   * list would be without them.
   */
  async #freshen (user: string, filter: PinFilter, signal: AbortSignal | undefined): Promise<void> {
    const { clusterPins, clock } = this.#deps
    const isComplete = underWay.every(state => filter.statuses.includes(state))
    for (let look = 0; look < (isComplete ? 1 : looks); look++) {
      const young = await this.#young(user, filter, look === 0 ? youngMs : freshMs)
      if (young.length === 0) return
      if (look > 0) await clock.sleep(lookEveryMs, signal)
      await clusterPins.refresh(young, signal == null ? {} : { signal })
    }
  }

  async #young (user: string, { cids }: PinFilter, ms: number): Promise<string[]> {
    const { database } = this.#deps
    const counts = await countsOf(database, user)
    const states = underWay.filter(state => counts[state] > 0)
    if (states.length === 0) return []
    let query = database.db.selectFrom('pins').select('cid').where('user_id', '=', user).where('status', 'in', states).where(
      'created', '>', database.now() - ms
    ).where('created', '<=', database.now())
    if (cids != null) query = query.where('cid', 'in', cids)
    return (await query.orderBy('created', 'desc').limit(mostAsked).execute()).map(({ cid }) => cid)
  }

  async #present (row: PinRow): Promise<TenantPin> {
    return presented(row, isLetGo(row) ? undefined : await this.#deps.clusterPins.status(row.cid))
  }

  async #presentAll (rows: readonly PinRow[]): Promise<TenantPin[]> {
    const statuses = await this.#deps.clusterPins.statuses(rows.filter(row => !isLetGo(row)).map(({ cid }) => cid))
    return rows.map(row => presented(row, isLetGo(row) ? undefined : statuses.get(row.cid)))
  }

  #isDenied (wanted: WantedPin): boolean {
    try {
      this.#refuseDenied(wanted)
      return false
    } catch (err) {
      if (isClusterError(err, 'DENIED')) return true
      throw err
    }
  }

  #refuseDenied ({ cid }: WantedPin): void { refuseDeniedCid(this.#deps.denylist, parseCid(cid)) }
}

const keyOf = ({ cid, name }: Pick<WantedPin, 'cid' | 'name'>): string => `${cid} ${name}`

function presented (row: PinRow, status: ClusterPinStatus | undefined): TenantPin {
  return {
    requestId: row.request_id,
    cid: row.cid,
    name: row.name,
    origins: JSON.parse(row.origins) as string[],
    meta: JSON.parse(row.meta) as Record<string, string>,
    created: row.created,
    status: row.status,
    info: status?.info ?? JSON.parse(row.info) as Record<string, string>,
    sizeBytes: row.size_bytes
  }
}

/** The IP address that a multiaddress begins with; undefined for names and everything else. */
function addressOf (multiaddress: string): string | undefined {
  const [, protocol, host] = multiaddress.split('/')
  return protocol === 'ip4' || protocol === 'ip6' ? host : undefined
}

/**
 * Which of a user's addresses this service dials. Without `privateAllowed` those of public networks, and no names: what a name leads to is
 * known only when it is dialed.
 */
export function originPolicy ({ privateAllowed }: { privateAllowed: boolean }): (origins: readonly string[]) => string[] {
  return origins => {
    if (privateAllowed || origins.length === 0) return [...origins]
    const own = systemAddresses()
    return origins.filter(origin => {
      const address = addressOf(origin)
      return address != null && !isPrivateAddress(address, () => own)
    })
  }
}
