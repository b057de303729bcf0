import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'

/** A message to the peers on the same database. */
export interface Notice { channel: string, text: string }

const maxTextBytes = 4000

/** Throws INTERNAL for one that is too long for any of the databases. */
export function checkedNotice (notice: Notice): Notice {
  if (Buffer.byteLength(notice.text) <= maxTextBytes) return notice
  throw new ClusterError('INTERNAL', { channel: notice.channel }, { message: `a notice has ${maxTextBytes} bytes at most` })
}

/** Told of a message's text; null: messages may have been lost, look for yourself. */
export type NoticeListener = (text: string | null) => void

/** Who listens to what. A listener that throws is logged, and keeps nobody from being told. */
export class Channels {
  readonly #log: Logger
  readonly #listeners = new Map<string, Set<NoticeListener>>()

  constructor (log: Logger) { this.#log = log }

  add (channel: string, listener: NoticeListener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(listener))
    return () => { listeners.delete(listener) }
  }

  tell (channel: string, text: string | null): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try { listener(text) } catch (err) { this.#log.error('a listener to the database failed', { channel, err }) }
    }
  }

  /** Something may have been missed, on any channel. */
  tellAllMissed (): void {
    for (const channel of this.#listeners.keys()) this.tell(channel, null)
  }
}
