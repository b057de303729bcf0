/** The parts of a path between its slashes; empty ones don't count. */
export const segmentsOf = (path: string): string[] => path.split('/').filter(segment => segment !== '')

/** Without the slashes at its end. `/\/+$/` would look at a run of slashes that isn't at the end once for each of them. */
export function withoutEndSlashes (path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

/**
 * Of these entries the one whose pattern fits a path best; undefined when none does. In a pattern such as `/files/:cid` or `/docs/*`, a
 * name behind a colon stands for one segment and `*` for all the rest, one at least; literal segments fit better, the earlier the better.
 * `segments`: of the path, decoded.
 */
export function bestPattern<Entry extends { path: string }> (entries: readonly Entry[], segments: readonly string[]): Entry | undefined {
  let best: { entry: Entry, rank: string } | undefined
  for (const entry of entries) {
    const rank = rankOf(segmentsOf(entry.path), segments)
    if (rank != null && (best == null || rank < best.rank)) best = { entry, rank }
  }
  return best?.entry
}

/** A text that sorts before those of patterns that fit less well. */
function rankOf (wanted: readonly string[], given: readonly string[]): string | undefined {
  const hasRest = wanted.at(-1) === '*'
  if (hasRest ? given.length < wanted.length : given.length !== wanted.length) return undefined
  let rank = ''
  for (const [at, segment] of wanted.entries()) {
    if (segment === '*') rank += '2'
    else if (segment.startsWith(':')) rank += '1'
    else if (segment === given[at]) rank += '0'
    else return undefined
  }
  return rank
}
