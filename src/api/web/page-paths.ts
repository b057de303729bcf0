/** A page of the web pages, as their build lists it (`pages.json`). */
export interface WebPage {
  /** `/files/:cid`: one segment; `/docs/*`: the rest. */
  path: string
  sites: readonly string[]
  /** What its code and style are in, from the built folder, beside what every page loads. */
  files: readonly string[]
}

/** The page that a path is the address of: the one with the most literal beginning, as the pages' own router decides. */
export function pageOf (pages: readonly WebPage[], path: string): WebPage | null {
  const given = segmentsOf(path)
  let best: { page: WebPage, rank: string } | null = null
  for (const page of pages) {
    const rank = rankOf(segmentsOf(page.path), given)
    if (rank != null && (best == null || rank < best.rank)) best = { page, rank }
  }
  return best?.page ?? null
}

function rankOf (wanted: readonly string[], given: readonly string[]): string | null {
  const hasRest = wanted.at(-1) === '*'
  if (hasRest ? given.length < wanted.length : given.length !== wanted.length) return null
  let rank = ''
  for (const [at, segment] of wanted.entries()) {
    if (segment === '*') rank += '2'
    else if (segment.startsWith(':')) rank += '1'
    else if (segment === given[at]) rank += '0'
    else return null
  }
  return rank
}

const segmentsOf = (path: string): string[] => path.split('/').filter(segment => segment !== '')
