import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import type { PeerId } from '../../model/cid.ts'
import type { Time } from '../../model/time.ts'
import type { PaceLimits } from '../cluster-api.ts'

/** Rows: `drain/1/<peer ID>` → JSON of the rest; the 1 is the format's version. */
const prefix = 'drain/1/'

/** What of a drain outlives the process. Where its pins are stands in the pinset. */
export interface Drain extends PaceLimits {
  peer: PeerId
  since: Time
  endedAt: Time | null
  /** Pins that the peer held when it began. */
  pins: number
  moved: number
  fewer: number
}

export interface DrainRowsDeps {
  /** Without it, drains end with the process. */
  datastore?: Pick<Datastore, 'write' | 'entries'> | undefined
  log: Logger
}

/** The drains that this peer runs, as rows of its datastore: they go on after a restart. Without a datastore nothing is kept. */
export class DrainRows {
  readonly #deps: DrainRowsDeps

  constructor (deps: DrainRowsDeps) { this.#deps = deps }

  async load (signal: AbortSignal): Promise<Drain[]> {
    const found: Drain[] = []
    for await (const rows of this.#deps.datastore?.entries(withPrefix(prefix), { signal }) ?? []) {
      for (const [key, value] of rows) found.push(...this.#read(key.slice(prefix.length), value))
    }
    return found
  }

  /** Resolves when the disk has it; rejects with STORAGE_FULL. */
  async add (drain: Drain): Promise<void> { await this.#write(drain, true) }

  /** Figures only: what can't be written costs a look at the pinset after the next start. Never rejects. */
  async save (drain: Drain): Promise<void> {
    await this.#write(drain, false).catch(err => this.#deps.log.warn('the progress of a drain could not be stored', {
      peer: drain.peer, err: messageOf(err)
    }))
  }

  async delete (peer: PeerId): Promise<void> {
    await this.#deps.datastore?.write([{ key: prefix + peer, value: undefined }], { sync: true, frees: true })
  }

  async #write ({ peer, ...row }: Drain, sync: boolean): Promise<void> {
    await this.#deps.datastore?.write([{ key: prefix + peer, value: Buffer.from(JSON.stringify(row)) }], { sync })
  }

  #read (peer: PeerId, value: Uint8Array): Drain[] {
    try {
      const row = JSON.parse(Buffer.from(value).toString()) as Partial<Drain>
      const number = (given: unknown): number => Number.isFinite(given) ? Number(given) : 0
      return [{
        peer,
        since: number(row.since),
        endedAt: row.endedAt == null ? null : number(row.endedAt),
        pins: number(row.pins),
        moved: number(row.moved),
        fewer: number(row.fewer),
        atOnce: Math.max(1, number(row.atOnce)),
        maxPinsPerSecond: number(row.maxPinsPerSecond),
        maxBytesPerSecond: number(row.maxBytesPerSecond)
      }]
    } catch (err) {
      this.#deps.log.warn('the row of a drain is damaged and left alone', { peer: peer.slice(0, 100), err: messageOf(err) })
      return []
    }
  }
}
