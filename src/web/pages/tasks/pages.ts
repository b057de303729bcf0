import type { PageEntry } from '../../app/page-entry.ts'

/** What the service does for a user, and for all of them. */
export const taskPages: readonly PageEntry[] = [
  {
    path: '/tasks', title: 'Tasks', audience: 'user', wide: true, menu: { group: 'main', order: 80, label: 'Tasks', icon: 'tasks' },
    load: () => import('./tasks-page.tsx')
  },
  {
    path: '/admin/tasks', title: 'Tasks of everybody', audience: 'admin', wide: true,
    menu: { group: 'admin', order: 20, label: 'Tasks', icon: 'tasks' },
    load: () => import('./admin-tasks-page.tsx')
  }
]
