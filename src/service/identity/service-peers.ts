import { sql } from 'kysely'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { Staging } from '../staging/staging.ts'

export interface ServicePeersInit { self: PeerId }
export interface ServicePeersDeps {
  database: Pick<SqlDatabase, 'transaction' | 'now'>, staging: Pick<Staging, 'place'>, workers: Workers, log: Logger
}

interface Presence { peer: PeerId, staging: string, name: string, until: number }

/** A peer that was killed counts for so long. Milliseconds. */
const presentMs = 60_000
const renewMs = 15_000
const prefix = 'peer:'

/**
 * The peers that serve from one database, by a row for each. They must keep uploads in one place: what one has staged, another couldn't
 * read. A peer that comes with another place than those that are there refuses to serve, and says so, until they are gone.
 */
export class ServicePeers implements Startable {
  readonly name = 'peers of the service'
  readonly #self: PeerId
  readonly #deps: ServicePeersDeps
  #renewing: WorkerHandle | undefined
  #refusal: ClusterError | null = null

  constructor ({ self }: ServicePeersInit, deps: ServicePeersDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** Rejects with NOT_READY while another peer keeps uploads elsewhere. */
  async start (): Promise<void> {
    this.#refusal = await this.#present()
    if (this.#refusal != null) throw this.#refusal
    this.#renewing = this.#deps.workers.add({
      name: this.name,
      intervalMs: () => renewMs,
      jitter: 0.2,
      runAtStart: false,
      work: async () => {
        await this.#renew()
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    await this.#renewing?.stop()
    this.#renewing = undefined
    await this.#deps.database.transaction(async tx => {
      await tx.deleteFrom('meta').where('key', '=', prefix + this.#self).execute()
    }).catch(err => this.#deps.log.debug('this peer is still registered as one that serves', { err }))
  }

  /** Why this peer must not serve. */
  refusal (): ClusterError | null { return this.#refusal }

  /** A peer that stood still for long may find that another one has begun to serve. */
  async #renew (): Promise<void> {
    const before = this.#refusal
    this.#refusal = await this.#present()
    if (this.#refusal != null && before == null) this.#deps.log.error('the service refuses to serve', { err: this.#refusal })
    if (this.#refusal == null && before != null) this.#deps.log.info('the service serves again')
  }

  /** Notes that this peer serves; else gives what keeps it from that. */
  async #present (): Promise<ClusterError | null> {
    const { database, staging: { place: { id: staging, name } } } = this.#deps
    const now = database.now()
    return await database.transaction(async tx => {
      const other = (await presences(tx)).find(one => one.peer !== this.#self && one.until > now && one.staging !== staging)
      if (other != null) return this.#refusalFor(other)
      const value = JSON.stringify({ staging, name, until: now + presentMs })
      await tx.insertInto('meta').values({
        key: prefix + this.#self, value
      }).onConflict(conflict => conflict.column('key').doUpdateSet({ value })).execute()
      return null
    })
  }

  #refusalFor ({ peer, name }: Presence): ClusterError {
    const own = this.#deps.staging.place.name
    return new ClusterError('NOT_READY', { peer, staging: name, own }, {
      message: `peer ${peer} serves from the same database and keeps uploads in its ${name.replace(/^the /, '')}, this one in ${own}, which is another: peers of one service need the same api.service.staging`
    })
  }
}

/** Also those of before; what isn't readable counts as nobody. */
async function presences (tx: Sql): Promise<Presence[]> {
  const rows = await tx.selectFrom('meta').selectAll().where(sql<string>`substr(key, 1, ${sql.lit(prefix.length)})`, '=', prefix).execute()
  return rows.flatMap(({ key, value }) => {
    try {
      return [{ ...JSON.parse(value) as Omit<Presence, 'peer'>, peer: key.slice(prefix.length) as PeerId }]
    } catch {
      return []
    }
  })
}
