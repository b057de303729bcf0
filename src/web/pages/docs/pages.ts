import type { MenuPlace, PageEntry } from '../../app/page-entry.ts'

const page: Pick<PageEntry, 'title' | 'wide' | 'load'> = { title: 'Documentation', wide: true, load: () => import('./docs-page.tsx') }
const menu: MenuPlace = { group: 'main', order: 95, label: 'Docs', icon: 'book' }

/** The documentation of the APIs that this peer serves. */
export const docsPages: readonly PageEntry[] = [
  { ...page, path: '/docs', audience: 'everyone', menu },
  { ...page, path: '/docs/*', audience: 'everyone' },
  { ...page, path: '/docs', audience: 'operator', sites: ['cluster'], menu },
  { ...page, path: '/docs/*', audience: 'operator', sites: ['cluster'] }
]
