import type { ServiceRoute } from './service-route.ts'

/** Gives one part's routes; each part declares what it needs beside its own. */
export type RoutePart = readonly ServiceRoute[]

/** All routes of the service in one table: what is served, documented and tested with two users. The first that fits wins. */
export const joinRoutes = (parts: readonly RoutePart[]): ServiceRoute[] => parts.flat()
