import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'

/** Rows: `move/1/<CID>` → JSON {from, to, until}; the 1 is the format's version. A row goes when its move has ended. */
const prefix = 'move/1/'

/** A pin that shall leave `from` once `to` have it; it stays with both when that takes until `until` (Unix milliseconds). */
export interface Move { cid: CID, from: PeerId, to: readonly PeerId[], until: number }

export interface MoveRowsDeps {
  /** Without it, moves end with the process: pins that wait keep the old holder, too. */
  datastore?: Pick<Datastore, 'write' | 'entries'> | undefined
  log: Logger
}

/** Moves under way, on the disk. */
export class MoveRows {
  readonly #deps: MoveRowsDeps

  constructor (deps: MoveRowsDeps) { this.#deps = deps }

  async load (signal: AbortSignal): Promise<Move[]> {
    const found: Move[] = []
    for await (const rows of this.#deps.datastore?.entries(withPrefix(prefix), { signal }) ?? []) {
      for (const row of rows) found.push(...this.#read(row))
    }
    return found
  }

  /** Resolves when the disk has it; rejects with STORAGE_FULL. */
  async add ({ cid, from, to, until }: Move): Promise<void> {
    await this.#deps.datastore?.write(
      [{ key: prefix + cid.toString(), value: Buffer.from(JSON.stringify({ from, to, until })) }], { sync: true }
    )
  }

  /** A row that stays is found to be over after the next start. Never rejects. */
  async delete (cid: CID): Promise<void> {
    await this.#deps.datastore?.write([{ key: prefix + cid.toString(), value: undefined }], { frees: true })
      .catch(err => this.#deps.log.warn('the row of a move could not be removed', { cid: cid.toString(), err: messageOf(err) }))
  }

  #read ([key, value]: [string, Uint8Array]): Move[] {
    try {
      const { from, to, until } = JSON.parse(Buffer.from(value).toString()) as { from: unknown, to: unknown, until: unknown }
      return [{
        cid: parseCid(key.slice(prefix.length)), from: String(from), to: Array.isArray(to) ? to.map(String) : [], until: Number(until)
      }]
    } catch (err) {
      this.#deps.log.warn('the row of a move is damaged and left alone', { row: key.slice(0, 100), err: messageOf(err) })
      return []
    }
  }
}
