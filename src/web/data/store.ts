import { useEffect, useReducer, useRef } from 'preact/hooks'

/** A value that pages watch. */
export interface Store<T> {
  get (): T
  set (change: T | ((old: T) => T)): void
  /** Calls back after every change; the returned function ends it. */
  subscribe (listener: () => void): () => void
}

/** A value that components follow. Listeners are called after each change. */
export function createStore<T> (initial: T): Store<T> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set: change => {
      const next = typeof change === 'function' ? (change as (old: T) => T)(value) : change
      if (Object.is(next, value)) return
      value = next
      for (const listener of Array.from(listeners)) listener()
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}

/** The store's value, or what `select` takes of it; draws again when that changes. */
export function useStore<T, S = T> (store: Store<T>, select: (value: T) => S = value => value as unknown as S): S {
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const current = select(store.get())
  const shown = useRef(current)
  shown.current = current
  const latest = useRef(select)
  latest.current = select
  useEffect(() => {
    const look = (): void => { if (!Object.is(latest.current(store.get()), shown.current)) redraw(undefined) }
    look()
    return store.subscribe(look)
  }, [store])
  return current
}
