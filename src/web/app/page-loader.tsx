import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { onReturn, reportLost } from '../data/connection.ts'
import { announce } from '../ui/feedback/announce.ts'
import { EmptyState } from '../ui/feedback/empty-state.tsx'
import { Page } from '../ui/frame/page.tsx'
import type { PageEntry } from './page-entry.ts'
import { place, scrolledBefore } from './router.tsx'
import { Skeleton } from '../ui/feedback/skeleton.tsx'

const loaded = new Map<PageEntry['load'], ComponentType>()

type Trouble = { kind: 'away' } | { kind: 'failed', error: unknown }

/** Shows the page once its code is there. */
export function PageLoader ({ page, visit }: { page: PageEntry, visit: number }) {
  const [, setLoaded] = useState(0)
  const [trouble, setTrouble] = useState<Trouble | null>(null)
  const Content = loaded.get(page.load)

  useEffect(() => {
    if (Content != null) return undefined
    const stop = new AbortController()
    loadPage(page, { signal: stop.signal, told: setTrouble }).then(component => {
      loaded.set(page.load, component)
      if (stop.signal.aborted) return
      setTrouble(null)
      setLoaded(count => count + 1)
    }, error => { if (!stop.signal.aborted) setTrouble({ kind: 'failed', error }) })
    return () => stop.abort()
  }, [page, Content])

  useEffect(() => { if (Content != null) arrive(visit) }, [Content, visit])

  if (trouble?.kind === 'failed') throw trouble.error
  if (Content != null) return <Content/>
  return trouble == null ? <PageSkeleton/> : <Page title={page.title}><EmptyState title="The peer is away" icon="unplugged">This page is loaded as soon as it answers again.</EmptyState></Page>
}

/** Waits while the peer is away. After an upgrade of the peer the files that this document names are gone: a fresh document names others. */
async function loadPage (
  page: PageEntry, { signal, told }: { signal: AbortSignal, told: (trouble: Trouble) => void }
): Promise<ComponentType> {
  try {
    const { default: component } = await page.load()
    noteLoaded()
    return component
  } catch (err) {
    if (await peerAnswers()) return reloaded(err)
    reportLost()
    if (!signal.aborted) told({ kind: 'away' })
    await untilReturn()
    // some browsers remember that a module could not be loaded
    return page.load().then(({ default: component }) => component, reloaded)
  }
}

const peerAnswers = async (): Promise<boolean> => (await fetch('/', { method: 'HEAD', cache: 'no-store' }).catch(() => undefined)) != null

const untilReturn = async (): Promise<void> => new Promise(resolve => {
  const stop = onReturn(() => {
    stop()
    resolve()
  })
})

const reloadKey = 'helia-cluster-reloaded'

/** Once: what can't be loaded then either has another reason. */
async function reloaded (err: unknown): Promise<never> {
  try {
    if (sessionStorage.getItem(reloadKey) != null) throw err
    sessionStorage.setItem(reloadKey, '1')
  } catch {
    throw err
  }
  location.reload()
  return new Promise(() => {})
}

function noteLoaded (): void {
  try { sessionStorage.removeItem(reloadKey) } catch { /* nothing was kept */ }
}

/** Readers and keyboards begin at the page's heading; the first page is where the browser has put them. */
function arrive (visit: number): void {
  const { isBack, hash } = place.get()
  const target = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null
  if (target != null) target.scrollIntoView()
  else scrollTo({ top: isBack ? scrolledBefore() : 0, behavior: 'instant' })
  if (visit === 0) return
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
  announce(document.title)
}

/** Stands where a page will be. Shows only after a moment: most pages are there before it. */
const PageSkeleton = () =>
  <div class="page page-skeleton" aria-busy="true">
    <Skeleton height="2rem" lines={1} label="The page is loading"/>
    <Skeleton height="8rem" lines={1}/>
    <Skeleton lines={4}/>
  </div>
