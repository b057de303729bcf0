import type { PageEntry } from '../../app/page-entry.ts'

/** Accounts, for admins. */
export const userPages: readonly PageEntry[] = [
  {
    path: '/admin/users', title: 'Users', audience: 'admin', wide: true,
    menu: { group: 'admin', order: 10, label: 'Users', icon: 'users' },
    load: () => import('./users-page.tsx')
  },
  { path: '/admin/users/:id', title: 'User', audience: 'admin', load: () => import('./user-page.tsx') }
]
