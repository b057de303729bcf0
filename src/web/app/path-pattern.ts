/** Path patterns of pages: `/files/:cid`, `/docs/*`. Pure; the server has the same rules (src/api/web/page-paths.ts). */
export interface PathMatch { params: Record<string, string>, /** More literal segments first. */ rank: string }

/** Null when the path isn't of the pattern. `path`: as in the address bar, percent-encoded. */
export function matchPath (pattern: string, path: string): PathMatch | null {
  const wanted = segmentsOf(pattern)
  const given = segmentsOf(path)
  const hasRest = wanted.at(-1) === '*'
  if (hasRest ? given.length < wanted.length : given.length !== wanted.length) return null
  const params: Record<string, string> = {}
  let rank = ''
  for (const [at, segment] of wanted.entries()) {
    const here = given[at] ?? ''
    if (segment === '*') {
      params.rest = given.slice(at).map(decoded).join('/')
      rank += '2'
    } else if (segment.startsWith(':')) {
      params[segment.slice(1)] = decoded(here)
      rank += '1'
    } else if (segment === decoded(here)) rank += '0'
    else return null
  }
  return { params, rank }
}

/** The entry that fits best. */
export function findPath<E extends { path: string }> (entries: readonly E[], path: string): {
  entry: E, params: Record<string, string>
} | null {
  let best: { entry: E, match: PathMatch } | null = null
  for (const entry of entries) {
    const match = matchPath(entry.path, path)
    if (match != null && (best == null || match.rank < best.match.rank)) best = { entry, match }
  }
  return best == null ? null : { entry: best.entry, params: best.match.params }
}

const segmentsOf = (path: string): string[] => path.split('/').filter(segment => segment !== '')

function decoded (segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
