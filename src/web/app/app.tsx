import { useEffect } from 'preact/hooks'
import { useStore } from '../data/store.ts'
import { Confirmations } from '../ui/feedback/confirm.tsx'
import { Toasts } from '../ui/feedback/toast.tsx'
import { Button } from '../ui/controls/button.tsx'
import { EmptyState } from '../ui/feedback/empty-state.tsx'
import { Page } from '../ui/frame/page.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { site } from './site.ts'
import { findPath } from './path-pattern.ts'
import { sitesOf } from './page-entry.ts'
import type { PageEntry } from './page-entry.ts'
import { PageLoader } from './page-loader.tsx'
import { pages } from './pages.ts'
import { hrefOf, navigate, ParamsContext, place } from './router.tsx'
import type { Place } from './router.tsx'
import { isAdmin, sessionState } from './session.ts'
import type { Session } from './session.ts'
import { SessionDialog } from './session-dialog.tsx'
import { Shell } from './shell.tsx'

const own = pages.filter(page => sitesOf(page).includes(site.kind))

/** What is to be shown to this visitor: a page, or somewhere else to go to. */
function decide (at: Place, session: Session): {
  page: PageEntry | null, params: Record<string, string>, redirect?: string, isForbidden?: boolean, isWaiting?: boolean
} {
  const found = findPath(own, at.path)
  if (found == null) return { page: null, params: {}, ...(at.path === '/' && site.kind === 'cluster' ? { redirect: '/cluster' } : {}) }
  const { entry: page, params } = found
  if (page.audience === 'everyone') return { page, params }
  if (session.kind === 'loading') return {
    page, params, isWaiting: page.audience !== 'guest' && !(page.audience === 'user' && session.expected != null)
  }
  const back = `?back=${encodeURIComponent(hrefOf(at))}`
  if (page.audience === 'guest') {
    const isKnown = session.kind !== 'guest'
    return { page, params, ...(isKnown ? { redirect: new URLSearchParams(at.search).get('back') ?? home(session) } : {}) }
  }
  if (session.kind === 'guest') return { page, params, redirect: `/login${back}` }
  return { page, params, isForbidden: page.audience !== 'user' && !isAdmin(session) }
}

const home = (session: Session): string => session.kind === 'operator' ? '/cluster' : '/dashboard'

/** All of a page: the frame with its menu, the page of the current address, and what lies over both. */
export function App () {
  const at = useStore(place)
  const { session, ended } = useStore(sessionState)
  const { page, params, redirect, isForbidden = false, isWaiting = false } = decide(at, session)
  useEffect(() => {
    if (redirect != null) navigate(safe(redirect, home(session)), { replace: true })
  }, [redirect])
  useEffect(() => {
    document.title = page == null ? 'Not found · Helia Cluster' : page.path === '/' ? 'Helia Cluster' : `${page.title} · Helia Cluster`
  }, [page])

  return <>
    <ConnectionBanner/>
    <Shell session={session} page={page}>
      <ErrorBoundary key={`${page?.path}${at.visit}`}>
        <ParamsContext.Provider value={params}>
          {redirect != null || isWaiting ? null : page == null ? <NotFound/> : isForbidden ? <Forbidden/> : <PageLoader
            page={page} visit={at.visit}/>}
        </ParamsContext.Provider>
      </ErrorBoundary>
    </Shell>
    {ended != null && <SessionDialog email={ended.email}/>}
    <Confirmations/>
    <Toasts/>
  </>
}

const safe = (to: string, otherwise: string): string => to.startsWith('/') && !to.startsWith('//') && !to.includes('\\') ? to : otherwise

const start = site.kind === 'cluster' ? '/cluster' : '/'

/** In place of a page whose address nobody has. */
function NotFound () {
  return <Page title="Not found">
    <EmptyState title="There is no page of this address" icon="search" action={<Button kind="primary" to={start}>Go to the start</Button>}>
      It may have moved, or the link has a mistake in it.
    </EmptyState>
  </Page>
}

/** In place of an admin's page for somebody who isn't one. */
function Forbidden () {
  return <Page title="For admins">
    <EmptyState title="This page is for admins" icon="lock" action={<Button kind="primary" to="/dashboard">Go to your dashboard</Button>}>
      Your account has no rights here. Whoever runs this service can make you an admin.
    </EmptyState>
  </Page>
}
