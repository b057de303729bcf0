import type { ComponentType } from 'preact'
import type { IconName } from '../ui/icon-paths.ts'

/**
 * Who a page is for. `everyone`: with or without a session. `guest`: who has a session is sent to the dashboard. `user`, `admin`: a session
 * is asked for. `operator`: who runs the cluster: admins of the service, or whoever has the REST API's credentials.
 */
export type Audience = 'everyone' | 'guest' | 'user' | 'admin' | 'operator'

/** The pages of the service, or those of the cluster alone. */
export type SiteKind = 'service' | 'cluster'

/** Where the menu has the page; `order` counts within its group. */
export interface MenuPlace { group: 'main' | 'cluster' | 'admin', order: number, label: string, icon: IconName }

/** A page, as its folder lists it. Nothing of it is loaded before somebody goes there. */
export interface PageEntry {
  /** `/files/:cid`: one segment by name; `/docs/*`: the rest. */
  path: string
  title: string
  audience: Audience
  /** Default: operators' pages have both, others are the service's. */
  sites?: readonly SiteKind[]
  /** Absent: not in the navigation. */
  menu?: MenuPlace
  /** Takes all the width there is. */
  wide?: boolean
  load: () => Promise<{ default: ComponentType }>
}

/** The sites that have the page; unless it says so, operators' pages are on both and all others the service's. */
export const sitesOf = ({ sites, audience }: Pick<PageEntry, 'sites' | 'audience'>): readonly SiteKind[] =>
  sites ?? (audience === 'operator' ? ['service', 'cluster'] : ['service'])
