import { useCallback, useEffect, useId as useHookId, useRef, useState } from 'preact/hooks'
import { peerNow } from './peer-time.ts'

/** An ID for `for` and `aria-…`, the same at every drawing. */
export const useId = (): string => useHookId()

/** The peer's time, again every so often: for "3 min ago". */
export function useNow (everyMs = 30_000): number {
  useTick(everyMs)
  // what is drawn for another reason shall not be told by an old time: what has just happened would be in the future
  return peerNow()
}

/** This machine's time, for what the page itself does. */
export function useOwnNow (everyMs: number): number {
  useTick(everyMs)
  return Date.now()
}

function useTick (everyMs: number): void {
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick(count => count + 1), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
}

/** Whether a media query holds; draws anew when that changes. */
export function useMedia (query: string): boolean {
  const [fits, setFits] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const look = (): void => setFits(media.matches)
    look()
    media.addEventListener('change', look)
    return () => media.removeEventListener('change', look)
  }, [query])
  return fits
}

/** The value once it hasn't changed for this long. */
export function useDebounced<T> (value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

/** A function that has this called back so much later, once for all calls until then; not at all when what is drawn has gone by then. */
export function useSoon (callback: () => void, ms: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const latest = useRef(callback)
  latest.current = callback
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      latest.current()
    }, ms)
  }, [ms])
}

/** A state that is there again after a reload. Where the browser keeps nothing, it is a state as any. */
export function useStored<T> (key: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => readStored(key) ?? initial)
  const store = useCallback((next: T) => {
    setValue(next)
    writeStored(key, next)
  }, [key])
  return [value, store]
}

/** A value out of the browser's storage; undefined when there is none, or the browser keeps none. */
export function readStored<T> (key: string): T | undefined {
  try {
    const text = localStorage.getItem(key)
    return text == null ? undefined : JSON.parse(text) as T
  } catch {
    return undefined
  }
}

/** Keeps a value in the browser's storage, as JSON; undefined removes it. A browser that keeps nothing is no error. */
export function writeStored (key: string, value: unknown): void {
  try {
    if (value === undefined) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // private windows keep nothing
  }
}
