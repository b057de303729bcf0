import { useEffect, useRef } from 'preact/hooks'
import type { ClusterEvent } from '../../client/event-stream.ts'
import { site } from '../app/site.ts'
import { sessionState } from '../app/session.ts'
import { useSoon } from './hooks.ts'
import type { LiveNews } from './live-reader.ts'
import { LiveTab } from './live-tabs.ts'
import type { LiveSource } from './live-tabs.ts'
import { invalidate } from './query.ts'
import { createStore, useStore } from './store.ts'
import type { Store } from './store.ts'

export type { ClusterEvent } from '../../client/event-stream.ts'
export type { LiveSource } from './live-tabs.ts'

/** Which events. */
export interface LiveFilter {
  /** Default: the user's own events on the service's pages, the cluster's on those of the cluster. */
  from?: LiveSource
  /** Types, or what they are about: `pin` stands for `pin.status`. Default: all. */
  types?: readonly string[]
  /** Told when events were lost. Default: everything that is shown is loaded again. */
  missed?: () => void
}

interface Listener { types: readonly string[], handler: (event: ClusterEvent) => void, missed: () => void }

/** The events of one source, for all of this page that listen. It is there while somebody does. */
class LiveHub {
  readonly isLive: Store<boolean> = createStore(false)
  readonly #source: LiveSource
  readonly #listeners = new Set<Listener>()
  #tab: LiveTab | undefined
  #user: string | undefined

  constructor (source: LiveSource) {
    this.#source = source
    sessionState.subscribe(() => this.#follow())
  }

  listen (listener: Listener): () => void {
    this.#listeners.add(listener)
    this.#follow()
    return () => {
      this.#listeners.delete(listener)
      // another page may listen in the next moment
      queueMicrotask(() => this.#follow())
    }
  }

  /** A tab's part in the connection, for whoever is logged in now. */
  #follow (): void {
    const user = this.#listeners.size === 0 ? undefined : userNow()
    if (user === this.#user) {
      this.#tab?.wake()
      return
    }
    this.#user = user
    this.#tab?.stop()
    this.#tab = undefined
    this.isLive.set(false)
    if (user == null) return
    this.#tab = new LiveTab({ source: this.#source, user }, news => this.#take(news))
    this.#tab.start()
  }

  #take (news: LiveNews): void {
    if (news.kind === 'standing') this.isLive.set(news.isLive)
    else if (news.kind === 'missed') for (const missed of new Set(Array.from(this.#listeners, listener => listener.missed))) missed()
    else for (const { types, handler } of Array.from(this.#listeners)) if (isWanted(news.event.type, types)) handler(news.event)
  }
}

const hubs: Readonly<Record<LiveSource, LiveHub>> = { own: new LiveHub('own'), cluster: new LiveHub('cluster') }
const usualSource: LiveSource = site.kind === 'service' ? 'own' : 'cluster'
const loadAgain = (): void => invalidate('')

const isWanted = (type: string, types: readonly string[]): boolean =>
  types.length === 0 || types.some(one => type === one || type.startsWith(`${one}.`))

function userNow (): string | undefined {
  const { session } = sessionState.get()
  return session.kind === 'user' ? session.email : session.kind === 'operator' ? session.user : undefined
}

/** Calls back with what happens, while the component is there. One connection serves all of the page and all tabs. */
export function useLive ({ from = usualSource, types = [], missed = loadAgain }: LiveFilter, handler: (event: ClusterEvent) => void): void {
  const latest = useRef({ handler, missed })
  latest.current = { handler, missed }
  const key = types.join(',')
  useEffect(() => hubs[from].listen({
    types: key === '' ? [] : key.split(','),
    handler: event => latest.current.handler(event),
    missed: missed === loadAgain ? loadAgain : () => latest.current.missed()
  }), [from, key])
}

/** Whether events come at this moment. */
export const useIsLive = (from: LiveSource = usualSource): boolean => useStore(hubs[from].isLive)

/** Loads again what is shown of these keys soon after something of these types has happened, at most once in a while. */
export function useLiveQueries (filter: LiveFilter, keyPrefix: string, everyMs = 1000): void {
  useLive(filter, useSoon(() => invalidate(keyPrefix), everyMs))
}
