import type { PageEntry } from '../../app/page-entry.ts'

/** Pages about events and webhooks. */
export const eventPages: readonly PageEntry[] = [
  {
    path: '/events', title: 'Events', audience: 'user', menu: { group: 'main', order: 60, label: 'Events', icon: 'zap' },
    load: () => import('./events-page.tsx')
  },
  {
    path: '/webhooks', title: 'Webhooks', audience: 'user', menu: { group: 'main', order: 70, label: 'Webhooks', icon: 'webhook' },
    load: () => import('./webhooks-page.tsx')
  },
  {
    path: '/cluster/events', title: 'Cluster events', audience: 'operator',
    menu: { group: 'cluster', order: 30, label: 'Events', icon: 'zap' },
    load: () => import('./cluster-events-page.tsx')
  },
  {
    path: '/cluster/warnings', title: 'Warnings', audience: 'operator',
    menu: { group: 'cluster', order: 40, label: 'Warnings', icon: 'warning' },
    load: () => import('./warnings-page.tsx')
  },
  {
    path: '/cluster/webhooks', title: 'Cluster webhooks', audience: 'operator',
    menu: { group: 'cluster', order: 50, label: 'Webhooks', icon: 'webhook' },
    load: () => import('./cluster-webhooks-page.tsx')
  }
]
