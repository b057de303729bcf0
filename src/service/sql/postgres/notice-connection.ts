import type { Client } from 'pg'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker, WorkerHandle, Workers } from '../../../base/worker.ts'
import type { Channels, Notice } from '../channels.ts'
import { postgresError } from './errors.ts'

/** All notices go through one channel of PostgreSQL, so that nobody's name can be one that the server folds or refuses. */
export const postgresChannel = 'helia_cluster_service'

/** A notice as the payload of PostgreSQL's NOTIFY: JSON with channel and text. */
export const noticeText = (notice: Notice): string => JSON.stringify({ channel: notice.channel, text: notice.text })

export interface NoticeConnectionDeps {
  clock: Clock
  log: Logger
  workers: Workers
  channels: Channels
  newClient: () => Client
}

/** How often a connection that stands is asked whether it does, and how often one that was lost is made anew at most. */
const checkMs = 30_000
const longestPauseMs = 5000

/**
 * The connection that hears what the peers of a database tell each other. When it was lost, everybody is told that something may have been
 * missed as soon as there is another one. Measures also how far the server's clock is from ours.
 */
export class NoticeConnection implements Worker {
  readonly name = 'service-database-listening'
  readonly jitter = 0.1
  readonly runAtStart = false
  readonly firstBackOffMs = 100
  readonly #deps: NoticeConnectionDeps
  #client: Client | undefined
  #handle: WorkerHandle | undefined
  #offsetMs = 0
  #isStopped = false

  constructor (deps: NoticeConnectionDeps) { this.#deps = deps }

  /** Server's time minus ours. */
  get offsetMs (): number { return this.#offsetMs }

  intervalMs (): number { return this.#client == null ? longestPauseMs : checkMs }

  async start (): Promise<void> {
    await this.#connect()
    this.#handle = this.#deps.workers.add(this)
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#handle?.stop()
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {}) // it is gone already
  }

  async work (): Promise<'idle'> {
    if (this.#client == null) {
      await this.#connect()
      this.#deps.log.info('the service\'s database is back')
      this.#deps.channels.tellAllMissed()
    } else {
      await this.#measure(this.#client)
    }
    return 'idle'
  }

  async #connect (): Promise<void> {
    const client = this.#deps.newClient()
    client.on('notification', ({ payload }) => this.#heard(payload))
    client.on('error', err => this.#lost(client, err))
    client.on('end', () => this.#lost(client, undefined))
    try {
      await client.connect()
      await client.query(`listen ${postgresChannel}`)
      await this.#measure(client)
      this.#client = client
    } catch (err) {
      client.end().catch(() => {}) // never was
      throw postgresError(err)
    }
  }

  #lost (client: Client, err: unknown): void {
    if (this.#client !== client || this.#isStopped) return
    this.#client = undefined
    this.#deps.log.warn('the connection to the service\'s database was lost', { err })
    client.end().catch(() => {}) // it is gone already
    this.#handle?.wake()
  }

  #heard (payload: string | undefined): void {
    try {
      const { channel, text } = JSON.parse(payload ?? '') as Partial<Notice>
      if (typeof channel === 'string' && typeof text === 'string') this.#deps.channels.tell(channel, text)
    } catch {} // not one of ours
  }

  /** Half of the answer's time is taken for the way there. A connection that doesn't answer is given up. */
  async #measure (client: Client): Promise<void> {
    const { clock } = this.#deps
    const before = clock.now()
    try {
      const { rows: [row] } = await client.query<{ now: string }>('select (extract(epoch from clock_timestamp()) * 1000)::text as now')
      this.#offsetMs = Math.round(Number(row?.now) - (before + clock.now()) / 2)
    } catch (err) {
      this.#lost(client, err)
      throw postgresError(err)
    }
  }
}
