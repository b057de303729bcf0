import { ClusterClient } from '../../client/client.ts'
import { fetchTransport } from '../../client/fetch-transport.ts'
import { ServiceClient } from '../../client/service/service-client.ts'
import { site } from '../app/site.ts'
import { reportFound, reportLost } from './connection.ts'
import { notePeerTime } from './peer-time.ts'

const tokenKey = 'helia-cluster-token'
const sessionEnds = new Set<() => void>()

/** Calls back at every answer that says nobody is logged in; the returned function ends it. */
export function onSessionEnd (listener: () => void): () => void {
  sessionEnds.add(listener)
  return () => { sessionEnds.delete(listener) }
}

/** Of the cluster's log-in: in this tab, until it is closed. */
export const clusterToken = {
  get: (): string | null => {
    try { return sessionStorage.getItem(tokenKey) } catch { return null }
  },
  set: (token: string | null): void => {
    try {
      if (token == null) sessionStorage.removeItem(tokenKey)
      else sessionStorage.setItem(tokenKey, token)
    } catch {
      // a browser that keeps nothing asks again after a reload
    }
  }
}

/** What a request to `/api/cluster/…` has to carry. */
function clusterHeaders (): Record<string, string> {
  const token = site.kind === 'cluster' ? clusterToken.get() : null
  return token == null ? {} : { authorization: `Bearer ${token}` }
}

/** `fetch` for everything that pages ask: tells when the peer is away or back, and when a session has ended. */
export const webFetch: typeof fetch = async (input, init = {}) => {
  const path = pathOf(input)
  const isCluster = path.startsWith('/api/cluster/')
  let response: Response
  try {
    response = await fetch(input, {
      credentials: site.kind === 'cluster' ? 'omit' : 'same-origin', ...init,
      ...(isCluster ? { headers: withCredentials(init.headers) } : {})
    })
  } catch (err) {
    if (init.signal?.aborted !== true) reportLost()
    throw err
  }
  if (path.startsWith('/api/')) notePeerTime(response.headers)
  // a proxy answers for a peer that is away; of content it is the peer's own answer: nobody gives it
  if (response.status === 502 && !isContent(path)) reportLost()
  else reportFound()
  if (response.status === 401 && !isLogin(path)) for (const listener of Array.from(sessionEnds)) listener()
  return response
}

const pathOf = (input: RequestInfo | URL): string => new URL(input instanceof Request ? input.url : input, location.href).pathname

const isContent = (path: string): boolean => /^\/(ipfs|ipns|api\/gateway)\//.test(path)

const isLogin = (path: string): boolean => /^\/api\/(v1\/users\/(login|logout)|cluster\/token)/.test(path)

function withCredentials (given: HeadersInit | undefined): Headers {
  const headers = new Headers(given)
  for (const [name, value] of Object.entries(clusterHeaders())) if (!headers.has(name)) headers.set(name, value)
  return headers
}

/** The service's API, with the session's cookie. */
export const service = new ServiceClient({ fetch: webFetch })

/** The cluster's REST API, as this peer gives it to its pages. */
export const cluster = new ClusterClient({ transport: fetchTransport({ url: '/api/cluster', fetch: webFetch }) })
