import { Pool } from 'pg'
import { RateLimiterMemory, RateLimiterPostgres } from 'rate-limiter-flexible'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { WorkerHandle, Workers } from '../../../base/worker.ts'
import { unlimited } from '../limits.ts'
import type { Limit, Limits, RateLimit } from '../limits.ts'
import { SharedLimit } from './shared-limit.ts'

export interface PostgresLimitsInit {
  /** Of the service's database, whose migrations make the table. */
  url: string
}

export interface PostgresLimitsDeps { clock: Clock, workers: Workers, log: Logger }

const table = 'rate_limits'
const connections = 2
/** A database that takes longer counts as away. */
const patienceMs = 2000
const sweepMs = 300_000

/**
 * Counts in the service's database, for the peers that share it. In connections of its own, which don't wait for the disk: what was counted
 * may be lost with the server.
 */
export function postgresLimits (init: PostgresLimitsInit, deps: PostgresLimitsDeps): Limits { return new PostgresLimits(init, deps) }

class PostgresLimits implements Limits {
  readonly name = 'limits'
  readonly #deps: PostgresLimitsDeps
  readonly #pool: Pool
  #sweeping: WorkerHandle | undefined

  /** Nothing is connected before the first one is counted. */
  constructor ({ url }: PostgresLimitsInit, deps: PostgresLimitsDeps) {
    this.#deps = deps
    this.#pool = new Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      keepAlive: true,
      application_name: 'helia-cluster-limits',
      options: `-c synchronous_commit=off -c statement_timeout=${patienceMs}`
    })
    // clients that nobody uses: the pool gives them up by itself
    this.#pool.on('error', err => deps.log.debug('a connection of the limits ended', { err }))
  }

  async start (): Promise<void> {
    this.#sweeping = this.#deps.workers.add({
      name: 'service-limits',
      intervalMs: () => sweepMs,
      jitter: 0.3,
      runAtStart: false,
      work: async () => {
        await this.#pool.query(`delete from ${table} where expire < $1`, [this.#deps.clock.now()])
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    await this.#sweeping?.stop()
    await this.#pool.end()
  }

  limit (name: string, limit: Limit): RateLimit {
    return limit == null
      ? unlimited
      : new SharedLimit({ count: limit.count }, { limiter: this.#limiter(name, limit), clock: this.#deps.clock })
  }

  #limiter (name: string, { count: points, perMs }: NonNullable<Limit>): RateLimiterPostgres {
    const own = { keyPrefix: name, points, duration: perMs / 1000 }
    return new RateLimiterPostgres({
      ...own,
      storeClient: this.#pool,
      storeType: 'pool',
      tableName: table,
      tableCreated: true,
      clearExpiredByTimeout: false,
      // who has used all isn't asked about any more
      inMemoryBlockOnConsumed: points,
      insuranceLimiter: new RateLimiterMemory(own)
    })
  }
}
