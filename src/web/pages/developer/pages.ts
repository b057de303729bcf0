import type { PageEntry } from '../../app/page-entry.ts'

/** Keys, and how programs use them. */
export const developerPages: readonly PageEntry[] = [
  {
    path: '/developer', title: 'Developer', audience: 'user', wide: true,
    menu: { group: 'main', order: 90, label: 'Developer', icon: 'key' },
    load: () => import('./developer-page.tsx')
  }
]
