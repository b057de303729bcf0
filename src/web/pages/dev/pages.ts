import type { MenuPlace, PageEntry } from '../../app/page-entry.ts'

const docs: Pick<PageEntry, 'title' | 'wide' | 'load'> = { title: 'Documentation', wide: true, load: () => import('./docs/docs-page.tsx') }
const docsMenu: MenuPlace = { group: 'main', order: 95, label: 'Docs', icon: 'book' }

/** Pages for those who use the APIs, and admins' pages. */
export const devPages: readonly PageEntry[] = [
  {
    path: '/links',
    title: 'Upload links',
    audience: 'user',
    menu: { group: 'main', order: 50, label: 'Links', icon: 'link' },
    wide: true,
    load: () => import('./links/links-page.tsx')
  },
  { path: '/send', title: 'Send files', audience: 'everyone', load: () => import('./links/send-page.tsx') },
  {
    path: '/tasks',
    title: 'Tasks',
    audience: 'user',
    menu: { group: 'main', order: 80, label: 'Tasks', icon: 'tasks' },
    wide: true,
    load: () => import('./tasks/tasks-page.tsx')
  },
  {
    path: '/developer',
    title: 'Developer',
    audience: 'user',
    menu: { group: 'main', order: 90, label: 'Developer', icon: 'key' },
    wide: true,
    load: () => import('./developer/developer-page.tsx')
  },
  { ...docs, path: '/docs', audience: 'everyone', menu: docsMenu },
  { ...docs, path: '/docs/*', audience: 'everyone' },
  { ...docs, path: '/docs', audience: 'operator', sites: ['cluster'], menu: docsMenu },
  { ...docs, path: '/docs/*', audience: 'operator', sites: ['cluster'] },
  {
    path: '/admin/users',
    title: 'Users',
    audience: 'admin',
    menu: { group: 'admin', order: 10, label: 'Users', icon: 'users' },
    wide: true,
    load: () => import('./users/users-page.tsx')
  },
  { path: '/admin/users/:id', title: 'User', audience: 'admin', load: () => import('./users/user-page.tsx') },
  {
    path: '/admin/tasks',
    title: 'Tasks of everybody',
    audience: 'admin',
    menu: { group: 'admin', order: 20, label: 'Tasks', icon: 'tasks' },
    wide: true,
    load: () => import('./tasks/admin-tasks-page.tsx')
  }
]
