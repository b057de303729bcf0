import type { PageEntry } from '../../app/page-entry.ts'

/** Links for uploads into an account: who makes them, and who has been given one. */
export const linkPages: readonly PageEntry[] = [
  {
    path: '/links', title: 'Upload links', audience: 'user', wide: true, menu: { group: 'main', order: 50, label: 'Links', icon: 'link' },
    load: () => import('./links-page.tsx')
  },
  { path: '/send', title: 'Send files', audience: 'everyone', load: () => import('./send-page.tsx') }
]
