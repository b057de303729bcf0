import { accountPages } from '../pages/account/pages.ts'
import { clusterPages } from '../pages/cluster/pages.ts'
import { developerPages } from '../pages/developer/pages.ts'
import { docsPages } from '../pages/docs/pages.ts'
import { eventPages } from '../pages/events/pages.ts'
import { filesPages } from '../pages/files/pages.ts'
import { homePages } from '../pages/home/pages.ts'
import { linkPages } from '../pages/links/pages.ts'
import { taskPages } from '../pages/tasks/pages.ts'
import { userPages } from '../pages/users/pages.ts'
import type { PageEntry } from './page-entry.ts'

/** Every page there is. The build reads this too: the server answers these paths, and no others, with the pages. */
export const pages: readonly PageEntry[] = [
  ...homePages, ...accountPages, ...filesPages, ...eventPages, ...clusterPages, ...linkPages, ...taskPages, ...developerPages, ...docsPages,
  ...userPages
]
