import type { PageEntry } from '../../app/page-entry.ts'

/** Operators' pages. */
export const clusterPages: readonly PageEntry[] = [
  {
    path: '/cluster',
    title: 'Cluster',
    audience: 'operator',
    wide: true,
    menu: { group: 'cluster', order: 10, label: 'Overview', icon: 'graph' },
    load: () => import('./overview-page.tsx')
  },
  { path: '/cluster/peers/:id', title: 'Peer', audience: 'operator', wide: true, load: () => import('./peers/peer-page.tsx') },
  {
    path: '/cluster/pinset',
    title: 'Pinset',
    audience: 'operator',
    wide: true,
    menu: { group: 'cluster', order: 20, label: 'Pinset', icon: 'pin' },
    load: () => import('./pinset/pinset-page.tsx')
  },
  { path: '/cluster/pinset/:cid', title: 'Pin', audience: 'operator', wide: true, load: () => import('./pinset/pin-page.tsx') }
]
