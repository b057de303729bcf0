import { createStore, useStore } from './store.ts'

/** Whether the peer answers. `since` and `nextTryAt`: Unix milliseconds. */
export interface Connection { isAway: boolean, since: number | null, nextTryAt: number | null }

const here: Connection = { isAway: false, since: null, nextTryAt: null }
const store = createStore<Connection>(here)
const waits = [1000, 2000, 3000, 5000]
const returned = new Set<() => void>()
let tries = 0
let timer: ReturnType<typeof setTimeout> | undefined

/** Somebody got no answer. */
export function reportLost (): void {
  if (store.get().isAway) return
  tries = 0
  store.set({ isAway: true, since: Date.now(), nextTryAt: null })
  tryLater()
}

/** Somebody got an answer. */
export function reportFound (): void {
  if (!store.get().isAway) return
  clearTimeout(timer)
  store.set(here)
  for (const listener of Array.from(returned)) listener()
}

/** Calls back when the peer answers again; the returned function ends it. */
export function onReturn (listener: () => void): () => void {
  returned.add(listener)
  return () => { returned.delete(listener) }
}

/** The connection's state, and a button's `tryNow`. */
export function useConnection (): Connection & { tryNow: () => void } {
  return { ...useStore(store), tryNow: () => { void tryOnce() } }
}

function tryLater (): void {
  const wait = waits[Math.min(tries++, waits.length - 1)] ?? 5000
  store.set(old => ({ ...old, nextTryAt: Date.now() + wait }))
  clearTimeout(timer)
  timer = setTimeout(() => { void tryOnce() }, wait)
}

/** The page's own address answers on every site, and needs nobody to be logged in. */
async function tryOnce (): Promise<void> {
  clearTimeout(timer)
  store.set(old => ({ ...old, nextTryAt: null }))
  const answer = await fetch('/', { method: 'HEAD', cache: 'no-store' }).catch(() => undefined)
  if (!store.get().isAway) return
  if (answer != null && answer.status < 500) reportFound()
  else tryLater()
}

if (typeof window !== 'undefined') window.addEventListener('online', () => { if (store.get().isAway) void tryOnce() })
