import type { CID } from 'multiformats/cid'

/** How long an answer may be kept. `isImmutable`: for ever. Else by the name's TTL; undefined: nobody knows. */
export type Freshness = { isImmutable: true } | { isImmutable: false, ttlSeconds: number | undefined, resolvedAt: number }

const forEver = 'public, max-age=29030400, immutable'
/** For pages made here: a newer release may make better ones. */
const forAWeek = 'public, max-age=604800, stale-while-revalidate=2678400'

/** `Cache-Control` and `Last-Modified` of content: kept for ever, for the name's TTL (whole seconds), or as long as the client likes. */
export function cacheHeaders (freshness: Freshness): Array<[string, string]> {
  if (freshness.isImmutable) return [['Cache-Control', forEver]]
  const { ttlSeconds, resolvedAt } = freshness
  const modified: [string, string] = ['Last-Modified', new Date(resolvedAt).toUTCString()]
  return ttlSeconds == null ? [modified] : [['Cache-Control', `public, max-age=${Math.max(0, Math.floor(ttlSeconds))}`], modified]
}

/** The same for pages that are made here: a week at most, since a newer release may make better ones. */
export const pageCacheHeaders = (freshness: Freshness): Array<[string, string]> =>
  freshness.isImmutable ? [['Cache-Control', forAWeek]] : cacheHeaders(freshness)

/** Changes when the pages made here do. */
const pageVersion = 'hc2'

/** Etags by what was answered. Pages have the version of their template in it, so that an update reaches caches. */
export const etagOf = {
  content: (cid: CID): string => `"${cid.toString()}"`,
  format: (cid: CID, format: string): string => `"${cid.toString()}.${format}"`,
  listing: (cid: CID): string => `"DirIndex-${pageVersion}_CID-${cid.toString()}"`,
  dagPage: (cid: CID): string => `"DagIndex-${pageVersion}_CID-${cid.toString()}"`
}

/** Whether a tag is that of a page made here. */
export const isPageTag = (etag: string): boolean => /^"D(?:ir|ag)Index-/.test(etag)
