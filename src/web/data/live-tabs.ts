import { ApiError } from '../../client/errors.ts'
import { eventsPath, messagesOf } from '../../client/event-stream.ts'
import type { StreamMessage } from '../../client/event-stream.ts'
import { chunksOfStream } from '../../client/web-streams.ts'
import { webFetch } from './clients.ts'
import { onReturn } from './connection.ts'
import { LiveReader } from './live-reader.ts'
import type { LiveNews } from './live-reader.ts'

/** The user's own events, or the cluster's. */
export type LiveSource = 'own' | 'cluster'

/** What tabs tell each other. `hello`: a tab has just come, and wants to know how things are. */
type TabMessage = { kind: 'news', news: LiveNews, place: string | undefined } | { kind: 'hello' }

const paths: Readonly<Record<LiveSource, string>> = { own: '/api/v1/events', cluster: '/api/cluster/events' }

export interface LiveTabInit {
  source: LiveSource
  /** Whose events: tabs of the same person share one connection. */
  user: string
}

/**
 * One connection for all tabs of a browser: the tab that has the lock reads, and tells the others. When it is closed, the next one goes on
 * behind the last event that all had. Where there are no locks (a page over plain HTTP from elsewhere) each tab reads for itself.
 */
export class LiveTab {
  readonly #name: string
  readonly #path: string
  readonly #told: (news: LiveNews) => void
  readonly #end = new AbortController()
  readonly #channel: BroadcastChannel | undefined
  #reader: LiveReader | undefined
  #place: string | undefined
  #isLive = false

  constructor ({ source, user }: LiveTabInit, told: (news: LiveNews) => void) {
    this.#name = `helia-cluster-live ${source} ${user}`
    this.#path = paths[source]
    this.#told = told
    this.#channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(this.#name) : undefined
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => this.#heard(data))
    const stopReturn = onReturn(() => this.#reader?.wake())
    this.#end.signal.addEventListener('abort', stopReturn)
  }

  start (): void {
    this.#channel?.postMessage({ kind: 'hello' } satisfies TabMessage)
    const { signal } = this.#end
    // the tab is closed first
    if ('locks' in navigator && this.#channel != null) navigator.locks.request(this.#name, { signal }, () => this.#read()).catch(() => {})
    else void this.#read()
  }

  /** Somebody has logged in. */
  wake (): void { this.#reader?.wake() }

  stop (): void {
    this.#end.abort()
    this.#channel?.close()
  }

  async #read (): Promise<void> {
    this.#reader = new LiveReader({
      open: (after, signal) => this.#open(after, signal),
      told: news => this.#tell(news),
      sleep,
      after,
      random: () => Math.random()
    }, this.#place)
    await this.#reader.run(this.#end.signal)
  }

  async #open (after: string | undefined, signal: AbortSignal): Promise<AsyncIterable<StreamMessage>> {
    const response = await webFetch(eventsPath(this.#path, after == null ? {} : { after }), { signal, cache: 'no-store' })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new ApiError(response.status, 'the peer gives no events')
    }
    return messagesOf(chunksOfStream(response.body))
  }

  /** Of the tab that reads: to this tab and the others. */
  #tell (news: LiveNews): void {
    this.#place = this.#reader?.place
    this.#channel?.postMessage({ kind: 'news', news, place: this.#place } satisfies TabMessage)
    this.#take(news)
  }

  #heard (message: TabMessage): void {
    if (message.kind === 'news') {
      this.#place = message.place ?? this.#place
      this.#take(message.news)
    } else if (this.#reader != null) {
      const news: LiveNews = { kind: 'standing', isLive: this.#isLive }
      this.#channel?.postMessage({ kind: 'news', news, place: this.#place } satisfies TabMessage)
    }
  }

  #take (news: LiveNews): void {
    if (news.kind === 'standing') {
      if (news.isLive === this.#isLive) return
      this.#isLive = news.isLive
    }
    this.#told(news)
  }
}

function after (ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

async function sleep (ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = after(ms, resolve)
    signal.addEventListener('abort', () => {
      cancel()
      reject(signal.reason as Error)
    }, { once: true })
  })
}
