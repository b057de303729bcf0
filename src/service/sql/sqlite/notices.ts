import { sql } from 'kysely'
import type { Worker } from '../../../base/worker.ts'
import type { Channels, Notice } from '../channels.ts'
import type { Sql } from '../sql.ts'
import type { SqliteConnectionFile } from './dialect.ts'

/** How often a process looks for what others have told. */
const pollMs = 250
/** What another process has not read by then, it never will. */
const keptMs = 60_000

/** Writes a notice for other processes, inside of the transaction. */
export async function writeNotice (tx: Sql, { channel, text }: Notice, { origin, now }: { origin: string, now: number }): Promise<void> {
  await sql`insert into notices (at, origin, channel, text) values (${now}, ${origin}, ${channel}, ${text})`.execute(tx)
  await sql`delete from notices where at < ${now - keptMs}`.execute(tx)
}

/**
 * Notices of other processes on the same file: commands like `user suspend` that run beside the daemon. `data_version` tells without
 * reading anything whether another connection has written.
 */
export class NoticePoll implements Worker {
  readonly name = 'service-database-notices'
  readonly #reader: SqliteConnectionFile
  readonly #channels: Channels
  readonly #origin: string
  #version: number | undefined
  #last: number

  /** What was told before is not told again. */
  constructor (reader: SqliteConnectionFile, { channels, origin }: { channels: Channels, origin: string }) {
    this.#reader = reader
    this.#channels = channels
    this.#origin = origin
    this.#last = reader.query<{ last: number }>('select seq as last from sqlite_sequence where name = \'notices\'').rows[0]?.last ?? 0
  }

  intervalMs (): number { return pollMs }

  async work (): Promise<'idle'> {
    const version = this.#reader.query<{ data_version: number }>('pragma data_version').rows[0]?.data_version
    if (version === this.#version) return 'idle'
    this.#version = version
    const { rows } = this.#reader.query<Notice & { id: number, origin: string }>(
      'select id, origin, channel, text from notices where id > ? order by id', [this.#last]
    )
    // this process stood still for so long that some are gone
    if (rows.length > 0 && rows[0]!.id > this.#last + 1) this.#channels.tellAllMissed()
    for (const { id, origin, channel, text } of rows) {
      this.#last = id
      if (origin !== this.#origin) this.#channels.tell(channel, text)
    }
    return 'idle'
  }
}
