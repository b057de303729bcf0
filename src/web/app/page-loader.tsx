import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { announce } from '../ui/announce.ts'
import { PageSkeleton } from './page-skeleton.tsx'
import type { PageEntry } from './page-entry.ts'
import { place, scrolledBefore } from './router.tsx'

const loaded = new Map<PageEntry['load'], ComponentType>()

/** Shows the page once its code is there. */
export function PageLoader ({ page, visit }: { page: PageEntry, visit: number }) {
  const [, setLoaded] = useState(0)
  const [failure, setFailure] = useState<unknown>(null)
  const Content = loaded.get(page.load)

  useEffect(() => {
    if (Content != null) return
    let isCurrent = true
    page.load().then(({ default: component }) => {
      loaded.set(page.load, component)
      noteLoaded()
      if (isCurrent) setLoaded(count => count + 1)
    }, err => {
      if (isCurrent && !reloadOnce()) setFailure(err)
    })
    return () => { isCurrent = false }
  }, [page, Content])

  useEffect(() => { if (Content != null) arrive(visit) }, [Content, visit])

  if (failure != null) throw failure
  return Content == null ? <PageSkeleton/> : <Content/>
}

const reloadKey = 'helia-cluster-reloaded'

/** After an upgrade of the peer the files that this document names are gone; a fresh document names others. True when it is on its way. */
function reloadOnce (): boolean {
  try {
    if (!navigator.onLine || sessionStorage.getItem(reloadKey) != null) return false
    sessionStorage.setItem(reloadKey, '1')
  } catch {
    return false
  }
  location.reload()
  return true
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
