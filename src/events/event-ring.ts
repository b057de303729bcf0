import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { EventBatch, EventData, EventFeed, FollowOptions, LoggedEvent } from './events.ts'
import { oldestPlace } from './events.ts'

export interface EventRingInit {
  /**
   * What ids begin with: a log that begins anew has another one, so that no place of the one before is taken for one of this. Default ''.
   */
  prefix?: string
  /** Number of the last event before this log. Default 0. */
  last?: number
  /** The newest so many are kept. */
  maxEvents: number
  maxReaders: number
}

export interface EventRingDeps { clock: Clock }

/** `place`: the number of the last event in it, or of the one before. */
export interface RingBatch extends EventBatch { readonly place: number }

const eventsInBatch = 100
const leastPauseMs = 20

/** What an event tells, made when somebody reads it. Thousands are kept that nobody reads: a function would take several times as much. */
export abstract class UnreadData {
  /** Called once. */
  abstract toData (): EventData
}

type Told = EventData | UnreadData | (() => EventData)

/** The newest events, in memory. What an event tells may be given as a function or an object: it is called when somebody reads it. */
export class EventRing<Type extends string = string> implements EventFeed {
  readonly #init: Required<EventRingInit>
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #events: RingEvent[] = []
  #last: number
  #readers = 0
  #isTold = true
  #toldAt = -Infinity
  #isClosed = false
  #shared: { from: number, batch: RingBatch } | undefined

  constructor (init: EventRingInit, { clock }: EventRingDeps) {
    this.#init = { prefix: '', last: 0, ...init }
    this.#last = this.#init.last
    this.#clock = clock
  }

  get readers (): number { return this.#readers }
  /** Number of the newest event. */
  get last (): number { return this.#last }
  /** Number of the oldest event that is kept; one more than `last` when there is none. */
  get first (): number { return this.#last - this.#events.length + 1 }

  add (type: Type, data: Told, at: number = this.#clock.now()): LoggedEvent {
    const event = new RingEvent(this.#init.prefix, ++this.#last, { at, type, data })
    this.#events.push(event)
    // not one by one: a list that is cut at its front moves all of it
    if (this.#events.length >= this.#init.maxEvents * 2) this.#events = this.#events.slice(-this.#init.maxEvents)
    this.#shared = undefined
    this.#tellSoon()
    return event
  }

  /**
   * For a log whose numbers are given elsewhere: an event that is known already is left out; what lies between the last one and this is
   * missed by all who read.
   */
  put (place: number, { at, type, data }: { at: number, type: Type, data: Told }): void {
    if (place <= this.#last) return
    if (place > this.#last + 1) this.#events = []
    this.#last = place - 1
    this.add(type, data, at)
  }

  /** The number behind an id; undefined for one that isn't of this log. `oldest` is the place before the oldest. */
  placeOf (id: string): number | undefined {
    const { prefix } = this.#init
    if (id === oldestPlace) return this.#oldest - 1
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : ''
    const place = /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
    return place != null && place <= this.#last ? place : undefined
  }

  /**
   * Id of the last event that is older than a time; where the log doesn't go back that far, one of which `after` says that something is
   * missing behind it.
   */
  idBefore (at: number): string {
    const kept = this.#events.slice(-this.#init.maxEvents)
    const found = kept.findLastIndex(event => event.at < at)
    const place = this.#last - kept.length + 1 + found
    return `${this.#init.prefix}${found === -1 && place > this.#init.last ? place - 1 : place}`
  }

  /** What comes behind a place, as much as one batch takes; everybody who stands there gets the same object. */
  after (place: number): RingBatch {
    if (this.#shared?.from === place) return this.#shared.batch
    const from = Math.max(place, this.#oldest - 1)
    const start = from - (this.#last - this.#events.length)
    const events = this.#events.slice(start, start + eventsInBatch)
    const end = from + events.length
    const batch = { events, missed: from > place, last: `${this.#init.prefix}${end}`, hasMore: end < this.#last, place: end }
    this.#shared = { from: place, batch }
    return batch
  }

  async * follow ({ after, signal }: FollowOptions): AsyncGenerator<RingBatch, void, undefined> {
    if (this.#readers >= this.#init.maxReaders) throw new ClusterError('RATE_LIMITED', {}, { message: 'too many listeners' })
    const known = after == null ? this.#last : this.placeOf(after)
    this.#readers++
    try {
      let batch = this.after(known ?? this.#last)
      yield known == null ? { ...batch, missed: true } : batch
      while (!this.#isOver(signal)) {
        const { place } = batch
        batch = this.after(place)
        if (batch.events.length > 0 || batch.missed) yield batch
        else await this.#more(signal)
      }
    } finally {
      this.#readers--
    }
  }

  /** Ends all iterations; nothing is told any more. */
  close (): void {
    this.#isClosed = true
    this.#tell()
  }

  get #oldest (): number { return Math.max(this.first, this.#last - this.#init.maxEvents + 1) }
  #isOver (signal: AbortSignal): boolean { return this.#isClosed || signal.aborted }

  /** Resolves when there may be more, or nothing more to wait for. */
  async #more (signal: AbortSignal): Promise<void> {
    if (this.#isOver(signal)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    signal.addEventListener('abort', resolve as () => void, { once: true })
    await promise
    this.#waiting.delete(resolve)
    signal.removeEventListener('abort', resolve as () => void)
  }

  #tellSoon (): void {
    if (!this.#isTold || this.#waiting.size === 0) return
    this.#isTold = false
    const pauseMs = Math.max(leastPauseMs, this.#readers)
    this.#clock.after(Math.max(0, this.#toldAt + pauseMs - this.#clock.elapsed()), () => this.#tell())
  }

  #tell (): void {
    this.#isTold = true
    this.#toldAt = this.#clock.elapsed()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}

/** An event whose text is made when it is first read. */
class RingEvent implements LoggedEvent {
  readonly #prefix: string
  readonly #number: number
  readonly at: number
  readonly type: string
  #data: Told

  constructor (prefix: string, number: number, { at, type, data }: { at: number, type: string, data: Told }) {
    this.#prefix = prefix
    this.#number = number
    this.at = at
    this.type = type
    this.#data = data
  }

  get id (): string { return `${this.#prefix}${this.#number}` }

  get data (): EventData {
    const data = this.#data
    if (typeof data === 'function') return this.#data = (data as () => EventData)()
    return data instanceof UnreadData ? this.#data = data.toData() : data
  }
}
