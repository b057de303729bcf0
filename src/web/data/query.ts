import { useCallback, useEffect, useReducer, useRef, useState } from 'preact/hooks'
import { toast } from '../ui/feedback/toast-store.ts'
import { onReturn } from './connection.ts'
import { errorText, isAbort, isAway, isSessionEnd } from './errors.ts'

/** What was loaded for a key, shared by all components that use it. */
export interface Query<T> {
  data: T | undefined
  error: Error | undefined
  /** There is nothing to show yet. */
  isLoading: boolean
  isRefreshing: boolean
  reload: () => void
  set: (change: T | ((old: T | undefined) => T)) => void
}

export interface QueryOptions {
  /** Asks again this long after each answer; not while the tab is hidden. */
  pollMs?: number
  /** Default: true. */
  isEnabled?: boolean
  /** How long data is kept that nobody shows. Default: a minute. */
  keepMs?: number
}

type Load = (signal: AbortSignal) => Promise<unknown>

/** What is known under a key. All who ask for the key share it. */
class Entry {
  data: unknown
  error: Error | undefined
  running: AbortController | undefined
  load: Load | undefined
  isStale = true
  keepMs = usualKeepMs
  readonly watchers = new Set<() => void>()
  #forgetting: ReturnType<typeof setTimeout> | undefined

  readonly #key: string

  constructor (key: string) { this.#key = key }

  watch (listener: () => void): () => void {
    clearTimeout(this.#forgetting)
    this.watchers.add(listener)
    return () => {
      this.watchers.delete(listener)
      if (this.watchers.size > 0) return
      this.running?.abort()
      this.running = undefined
      this.#forgetting = setTimeout(() => { if (this.watchers.size === 0) entries.delete(this.#key) }, this.keepMs)
    }
  }

  tell (): void { for (const listener of Array.from(this.watchers)) listener() }

  async run (): Promise<void> {
    if (this.load == null || this.running != null) return
    const running = new AbortController()
    this.running = running
    this.tell()
    try {
      const data = await this.load(running.signal)
      if (this.running !== running) return
      this.data = data
      this.error = undefined
      this.isStale = false
    } catch (err) {
      if (this.running !== running) return
      if (!isAbort(err) && !running.signal.aborted) this.error = err instanceof Error ? err : new Error(String(err))
    } finally {
      if (this.running === running) this.running = undefined
      this.tell()
    }
  }

  /** What runs now may give what was before. */
  restart (): void {
    this.running?.abort()
    this.running = undefined
    void this.run()
  }

  set (data: unknown): void {
    this.running?.abort()
    this.running = undefined
    this.data = data
    this.error = undefined
    this.isStale = false
    this.tell()
  }
}

const usualKeepMs = 60_000
const entries = new Map<string, Entry>()

function entryOf (key: string): Entry {
  const found = entries.get(key) ?? new Entry(key)
  entries.set(key, found)
  return found
}

/** Loads what is known under the key, unless somebody has; draws again when it changes. */
export function useQuery<T> (
  key: string, load: (signal: AbortSignal) => Promise<T>, { pollMs, isEnabled = true, keepMs = usualKeepMs }: QueryOptions = {}
): Query<T> {
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const latest = useRef(load)
  latest.current = load
  const entry = entryOf(key)

  useEffect(() => {
    const stop = entry.watch(() => redraw(undefined))
    entry.keepMs = keepMs
    if (isEnabled) {
      entry.load = signal => latest.current(signal)
      // shown at once where it is known; asked for again, since it may have changed meanwhile
      void entry.run()
    }
    return stop
  }, [entry, isEnabled, keepMs])

  useEffect(() => {
    if (pollMs == null || !isEnabled) return undefined
    const timer = setInterval(() => { if (!document.hidden && entry.running == null) void entry.run() }, pollMs)
    const shown = (): void => { if (!document.hidden) void entry.run() }
    document.addEventListener('visibilitychange', shown)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', shown)
    }
  }, [entry, isEnabled, pollMs])

  const reload = useCallback(() => entry.restart(), [entry])
  const set = useCallback((change: T | ((old: T | undefined) => T)) => {
    entry.set(typeof change === 'function' ? (change as (old: T | undefined) => T)(entry.data as T | undefined) : change)
  }, [entry])
  const data = entry.data as T | undefined
  return {
    data, error: entry.error, isLoading: data === undefined && entry.error == null,
    isRefreshing: entry.running != null && data !== undefined, reload, set
  }
}

/** Loads again what is shown of the keys that begin so, and forgets the rest of them. */
export function invalidate (keyPrefix: string): void {
  for (const [key, entry] of entries) {
    if (!key.startsWith(keyPrefix)) continue
    if (entry.watchers.size === 0) entries.delete(key)
    else entry.restart()
  }
}

/** For another user: nothing of the old is seen any more. What is shown is loaded again, unless nobody is there who may see it. */
export function forgetAll ({ isLoadedAgain }: { isLoadedAgain: boolean }): void {
  for (const [key, entry] of entries) {
    entry.set(undefined)
    if (entry.watchers.size === 0) entries.delete(key)
    else if (isLoadedAgain) entry.restart()
  }
}

/** Asks again for what failed while the peer was away, or while nobody was logged in. */
export function retryFailed (): void {
  for (const entry of entries.values()) if (entry.watchers.size > 0 && (entry.error != null || entry.data === undefined)) entry.restart()
}

onReturn(() => invalidate(''))

export interface ActionOptions<R> {
  done?: (result: R) => void
  /** Default: a toast says what went wrong. */
  failed?: (err: Error) => void
  /** A toast for when it is done. */
  success?: string
}

/** Something a click begins; one at a time. */
export interface Action<A extends unknown[], R> {
  /** Undefined when it failed, or when it runs already. */
  run: (...args: A) => Promise<R | undefined>
  isRunning: boolean
  error: Error | undefined
  reset: () => void
}

/** Something that changes things: one run at a time. */
export function useAction<A extends unknown[], R> (act: (...args: A) => Promise<R>, options: ActionOptions<R> = {}): Action<A, R> {
  const [state, setState] = useState<{ isRunning: boolean, error: Error | undefined }>({ isRunning: false, error: undefined })
  const latest = useRef({ act, options })
  latest.current = { act, options }
  const running = useRef(false)

  const run = useCallback(async (...args: A): Promise<R | undefined> => {
    if (running.current) return undefined
    running.current = true
    setState({ isRunning: true, error: undefined })
    try {
      const result = await latest.current.act(...args)
      running.current = false
      setState({ isRunning: false, error: undefined })
      const { success, done } = latest.current.options
      if (success != null) toast(success, { tone: 'good' })
      done?.(result)
      return result
    } catch (err) {
      running.current = false
      const error = err instanceof Error ? err : new Error(String(err))
      setState({ isRunning: false, error })
      if (isAbort(error)) return undefined
      if (latest.current.options.failed != null) latest.current.options.failed(error)
      else toast(actionError(error), { tone: 'bad' })
      return undefined
    }
  }, [])
  const reset = useCallback(() => setState({ isRunning: false, error: undefined }), [])
  return { run, ...state, reset }
}

/** Nothing is tried again by itself that changes something. */
export function actionError (err: unknown): string {
  if (isAway(err)) return 'The peer does not answer: nothing was changed as far as this page knows. Try again when it is back.'
  if (isSessionEnd(err)) return 'Your session has ended: log in, then try again.'
  return errorText(err)
}
