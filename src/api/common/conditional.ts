import type { IncomingHttpHeaders } from 'node:http'

const maxTags = 100

/** Whether the client has one of these already: weak and strong tags count alike, `*` always. */
export function hasAlready ({ 'if-none-match': header }: IncomingHttpHeaders, etags: readonly string[]): boolean {
  if (header == null) return false
  if (header.trim() === '*') return true
  const known = header.split(',', maxTags).map(strong)
  return etags.some(etag => known.includes(strong(etag)))
}

const strong = (etag: string): string => etag.trim().replace(/^W\//, '')
