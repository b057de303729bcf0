import { bestPattern, segmentsOf } from '../../base/text/path-segments.ts'

/** The page that an address leads to: of these entries the one whose pattern fits best. `path`: as in the address bar, percent-encoded. */
export function findPath<E extends { path: string }> (entries: readonly E[], path: string): {
  entry: E, params: Record<string, string>
} | null {
  const segments = segmentsOf(path).map(decoded)
  const entry = bestPattern(entries, segments)
  return entry == null ? null : { entry, params: paramsOf(entry.path, segments) }
}

/** What `:name` stands for, and `*` under the name `rest`. */
const paramsOf = (pattern: string, segments: readonly string[]): Record<string, string> =>
  Object.fromEntries(segmentsOf(pattern).flatMap((segment, at): Array<[string, string]> => {
    if (segment === '*') return [['rest', segments.slice(at).join('/')]]
    return segment.startsWith(':') ? [[segment.slice(1), segments[at] ?? '']] : []
  }))

function decoded (segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
