import type { Clock, Random } from '../base/clock.ts'
import type { TrackerStatus } from '../model/status.ts'
import type { OwnStatuses, StatusChange, StatusesFrom, StatusNews } from '../network/remote-statuses.ts'
import { EventRing } from './event-ring.ts'
import type { UnreadData } from './event-ring.ts'
import type { EventBatch, EventData, LoggedEvent } from './events.ts'
import { oldestPlace } from './events.ts'

const maxEvents = 4096
const maxReaders = 256

/** What an event of a pin's status tells. */
export interface StatusData { cid: string, peer: string, status: TrackerStatus, error?: string, attempts?: number }

/** How pins go on this peer, for other peers: the newest changes, in memory. */
export class StatusLog implements OwnStatuses {
  readonly #ring: EventRing
  readonly #clock: Clock

  constructor ({ clock, random }: { clock: Clock, random: Random }) {
    this.#ring = new EventRing({ prefix: logPrefix(random), maxEvents, maxReaders }, { clock })
    this.#clock = clock
  }

  /** `data` gives a `StatusData`. Its time is of the process: others are told how long ago it was. */
  add (data: UnreadData | (() => StatusData)): LoggedEvent {
    return this.#ring.add('pin.status', data as UnreadData | (() => EventData), this.#clock.elapsed())
  }

  async * follow ({ after, sinceMs }: StatusesFrom, { signal }: { signal: AbortSignal }): AsyncGenerator<StatusNews, void, undefined> {
    const isOther = after != null && this.#ring.placeOf(after) == null
    // what a log that began anew has is all unknown to who read the one before
    const from = isOther ? oldestPlace : after ?? this.#ring.idBefore(this.#clock.elapsed() - sinceMs)
    let wasMissed = isOther
    for await (const batch of this.#ring.follow({ after: from, signal })) {
      yield this.#news(batch, wasMissed)
      wasMissed = false
    }
  }

  /** Ends all iterations. */
  close (): void { this.#ring.close() }

  #news ({ events, missed, last }: EventBatch, wasMissed: boolean): StatusNews {
    const now = this.#clock.elapsed()
    return { changes: events.map(event => changeOf(event, now)), missed: missed || wasMissed, place: last }
  }
}

/** A log that begins with each start has another prefix, so that no place of the one before is taken for one of this. */
export const logPrefix = (random: Random): string => `${Buffer.from(random.bytes(6)).toString('base64url')}.`

function changeOf ({ at, data }: LoggedEvent, now: number): StatusChange {
  const { cid, status, error = '', attempts = 0 } = data as unknown as StatusData
  return { cid, status, error, attempts, agoMs: Math.max(0, Math.round(now - at)) }
}
