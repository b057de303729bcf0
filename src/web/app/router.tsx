import type { ComponentChildren } from 'preact'
import { createContext } from 'preact'
import { useContext, useEffect } from 'preact/hooks'
import { createStore, useStore } from '../data/store.ts'

/** Where the reader is, and how to go elsewhere. */
export interface Router {
  path: string
  params: Readonly<Record<string, string>>
  query: URLSearchParams
  hash: string
  go: (to: string, options?: { replace?: boolean }) => void
  /** Null takes a name out. */
  setQuery: (changes: Readonly<Record<string, string | null>>, options?: { replace?: boolean }) => void
}

/** An entry of the browser's history. */
export interface Place {
  path: string
  search: string
  hash: string
  /** One more with each navigation to another page. */
  visit: number
  isBack: boolean
}

const here = (): Pick<Place, 'path' | 'search' | 'hash'> => ({ path: location.pathname, search: location.search, hash: location.hash })

/** Where the reader is, also for code outside of components. */
export const place = createStore<Place>({ ...here(), visit: 0, isBack: false })

/** The params of the page's own path. */
export const ParamsContext = createContext<Readonly<Record<string, string>>>({})

const guards = new Set<() => string | null>()
/** Where each entry of the history was scrolled to. */
const scrolled = new Map<number, number>()
let entryId = 0

function go (to: string, { replace = false }: { replace?: boolean } = {}): void {
  const target = new URL(to, location.href)
  if (target.origin !== location.origin) {
    location.assign(target)
    return
  }
  const isSamePage = target.pathname === location.pathname
  if (!isSamePage && !mayLeave()) return
  if (replace && isBehind(target)) {
    history.back()
    return
  }
  scrolled.set(entryId, scrollY)
  if (replace) history.replaceState({ ...history.state as Entry, entryId }, '', target)
  else history.pushState({ entryId: ++entryId, from: location.href } satisfies Entry, '', target)
  moved(isSamePage, false)
}

/** An entry of the history, and where one was before it. */
interface Entry { entryId: number, from?: string }

/** A dialog that had an address of its own leads back to where it was opened: twice the same page in a row would take one click on Back too many. */
const isBehind = (target: URL): boolean => (history.state as Entry | null)?.from === target.href && target.href !== location.href

function moved (isSamePage: boolean, isBack: boolean): void {
  place.set(old => ({ ...here(), visit: isSamePage ? old.visit : old.visit + 1, isBack }))
}

function mayLeave (): boolean {
  const texts = [...guards].map(guard => guard()).filter(text => text != null)
  // the browser's own question: nothing else can hold up the history
  return texts.length === 0 || window.confirm(texts[0])
}

function setQuery (changes: Readonly<Record<string, string | null>>, { replace = true }: { replace?: boolean } = {}): void {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value == null) query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  go(`${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`, { replace })
}

/** The router within a page; draws it anew with each navigation. */
export function useRouter (): Router {
  const params = useContext(ParamsContext)
  const { path, search, hash } = useStore(place)
  return { path, params, query: new URLSearchParams(search), hash, go, setQuery }
}

/** `go` for code outside of components. */
export const navigate = go

/** Where this entry of the history was scrolled to when it was left. */
export const scrolledBefore = (): number => scrolled.get(entryId) ?? 0

/** Takes over the browser's history and clicks on links. Called once, before the first page. */
export function startRouter (): void {
  history.scrollRestoration = 'manual'
  history.replaceState({ entryId }, '')
  addEventListener('popstate', ({ state }) => {
    const last = place.get()
    const isSamePage = last.path === location.pathname
    if (!isSamePage && !mayLeave()) {
      // stay: the address goes back to where the page is
      history.pushState({ entryId: ++entryId }, '', `${last.path}${last.search}${last.hash}`)
      return
    }
    scrolled.set(entryId, scrollY)
    entryId = (state as Entry | null)?.entryId ?? 0
    moved(isSamePage, true)
  })
  addEventListener('beforeunload', event => {
    if ([...guards].some(guard => guard() != null)) event.preventDefault()
  })
}

/** Asks before the page is left while there is something on it that would be lost. */
export function useLeaveGuard (isDirty: boolean, text = 'Leave this page? What you have entered is lost.'): void {
  useEffect(() => {
    if (!isDirty) return undefined
    const guard = (): string => text
    guards.add(guard)
    return () => { guards.delete(guard) }
  }, [isDirty, text])
}

export interface LinkProps {
  to: string
  class?: string | undefined
  title?: string | undefined
  children?: ComponentChildren
  'aria-label'?: string | undefined
  'aria-current'?: 'page' | undefined
  onClick?: (() => void) | undefined
}

/** A link to another page, or a part of this one. Opens in a new tab when it is asked to. */
export function Link ({ to, children, onClick, ...attributes }: LinkProps) {
  const follow = (event: MouseEvent): void => {
    onClick?.()
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented) return
    event.preventDefault()
    go(to)
  }
  return <a href={to} {...attributes} onClick={follow}>{children}</a>
}

/** An address as a link has it. */
export const hrefOf = ({ path, search, hash }: Pick<Place, 'path' | 'search' | 'hash'>): string => `${path}${search}${hash}`

/** Where somebody who had to log in came from; never another site. */
export function safeBack (back: string | null, otherwise: string): string {
  if (back == null || !back.startsWith('/') || back.startsWith('//') || back.includes('\\')) return otherwise
  const target = new URL(back, location.origin)
  return target.origin === location.origin ? `${target.pathname}${target.search}${target.hash}` : otherwise
}
