import type { ClusterEvent, StreamMessage } from '../../client/event-stream.ts'

/** What is told: events in their order; `missed`: some are gone, so whatever is shown is to be read anew; whether the stream stands. */
export type LiveNews = { kind: 'event', event: ClusterEvent } | { kind: 'missed' } | { kind: 'standing', isLive: boolean }

export interface LiveReaderDeps {
  /** Opens the stream behind this place. Rejects with an error whose `status` is the answer's, 0 when there was none. */
  open: (after: string | undefined, signal: AbortSignal) => Promise<AsyncIterable<StreamMessage>>
  told: (news: LiveNews) => void
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Calls back after so long; the returned function cancels. */
  after: (ms: number, callback: () => void) => () => void
  random: () => number
}

const firstPauseMs = 500
const longestPauseMs = 30_000
/** Longer than two heartbeats of the peer's. */
const silenceMs = 40_000
/** Who may not listen asks rarely: a log-in wakes it. */
const refusedPauseMs = 60_000

/** Reads a stream of events, again and again behind the last one that it had. */
export class LiveReader {
  readonly #deps: LiveReaderDeps
  #place: string | undefined
  #failures = 0
  #waiting: AbortController | undefined

  constructor (deps: LiveReaderDeps, place?: string) {
    this.#deps = deps
    this.#place = place
  }

  /** Where it would go on. */
  get place (): string | undefined { return this.#place }

  /** Tries now, if it waits. */
  wake (): void { this.#waiting?.abort() }

  /** Until the signal aborts. Never rejects. */
  async run (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#once(signal)
      if (signal.aborted) return
      this.#deps.told({ kind: 'standing', isLive: false })
      await this.#pause(pauseMs, signal)
    }
  }

  /** Gives how long to wait before the next time. */
  async #once (signal: AbortSignal): Promise<number> {
    const stream = new AbortController()
    const stop = (): void => stream.abort()
    signal.addEventListener('abort', stop, { once: true })
    const watch = watchdog(this.#deps.after, stop)
    try {
      for await (const message of await this.#deps.open(this.#place, stream.signal)) {
        watch.heard()
        this.#take(message)
      }
      // it ends by itself from time to time
      return this.#failures === 0 ? 0 : this.#nextPause()
    } catch (err) {
      const status = (err as { status?: unknown } | null)?.status
      return status === 401 || status === 403 || status === 404 ? refusedPauseMs : this.#nextPause()
    } finally {
      watch.end()
      signal.removeEventListener('abort', stop)
    }
  }

  #take (message: StreamMessage): void {
    const { told } = this.#deps
    if (message.kind === 'ready') {
      this.#failures = 0
      told({ kind: 'standing', isLive: true })
      if (message.missed) told({ kind: 'missed' })
      this.#place = message.id ?? this.#place
    } else if (message.kind === 'event') {
      this.#place = message.event.id
      told({ kind: 'event', event: message.event })
    } else if (message.kind === 'missed') told({ kind: 'missed' })
    else if (message.kind === 'place') this.#place = message.id
  }

  /** Not all pages of all people at the same moment. */
  #nextPause (): number {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++)
    return pauseMs * (0.75 + this.#deps.random() / 2)
  }

  async #pause (ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0) return
    const waiting = this.#waiting = new AbortController()
    const stop = (): void => waiting.abort()
    signal.addEventListener('abort', stop, { once: true })
    await this.#deps.sleep(ms, waiting.signal).catch(() => {}) // woken
    signal.removeEventListener('abort', stop)
    this.#waiting = undefined
  }
}

function watchdog (after: LiveReaderDeps['after'], bite: () => void): { heard: () => void, end: () => void } {
  let cancel = after(silenceMs, bite)
  return {
    heard: () => {
      cancel()
      cancel = after(silenceMs, bite)
    },
    end: () => cancel()
  }
}
