import { accountPages } from '../pages/account/pages.ts'
import { clusterPages } from '../pages/cluster/pages.ts'
import { devPages } from '../pages/dev/pages.ts'
import { filesPages } from '../pages/files/pages.ts'
import { homePages } from '../pages/home/pages.ts'
import { livePages } from '../pages/live/pages.ts'
import type { PageEntry } from './page-entry.ts'

/** Every page there is. The build reads this too: the server answers these paths, and no others, with the pages. */
export const pages: readonly PageEntry[] = [...homePages, ...accountPages, ...filesPages, ...livePages, ...clusterPages, ...devPages]
