import type { IncomingMessage } from 'node:http'

/**
 * An API that is answered below a path of another one's listener. `path`: decoded; a trick with escapes is below it or isn't, as the routes
 * see it.
 */
export const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`)

/** Gives the request the target that the API itself has. */
export function mount (request: IncomingMessage, prefix: string): void {
  const url = request.url ?? '/'
  // where express and the access log look
  Object.assign(request, { originalUrl: url })
  request.url = withoutPrefix(url, prefix)
}

function withoutPrefix (url: string, prefix: string): string {
  const target = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '')
  if (!target.startsWith(prefix)) return '/'
  const rest = target.slice(prefix.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
