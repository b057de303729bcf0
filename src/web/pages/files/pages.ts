import type { PageEntry } from '../../app/page-entry.ts'

/** Pages about the user's files. */
export const filesPages: readonly PageEntry[] = [
  {
    path: '/upload', title: 'Upload', audience: 'user', menu: { group: 'main', order: 20, label: 'Upload', icon: 'upload' },
    load: async () => import('./upload/upload-page.tsx')
  },
  {
    path: '/files', title: 'Files', audience: 'user', wide: true, menu: { group: 'main', order: 30, label: 'Files', icon: 'folder' },
    load: async () => import('./list/files-page.tsx')
  },
  { path: '/files/:cid', title: 'File', audience: 'user', load: async () => import('./file/file-page.tsx') },
  {
    path: '/retrieve', title: 'Retrieve', audience: 'everyone', menu: { group: 'main', order: 40, label: 'Retrieve', icon: 'download' },
    load: async () => import('./retrieve/retrieve-page.tsx')
  }
]
