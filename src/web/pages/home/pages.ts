import type { PageEntry } from '../../app/page-entry.ts'

/** The first pages. */
export const homePages: readonly PageEntry[] = [
  { path: '/', title: 'Home', audience: 'everyone', load: () => import('./home-page.tsx') },
  {
    path: '/dashboard',
    title: 'Dashboard',
    audience: 'user',
    menu: { group: 'main', order: 10, label: 'Dashboard', icon: 'dashboard' },
    load: () => import('./dashboard-page.tsx')
  }
]
