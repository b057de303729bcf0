import type { IncomingHttpHeaders } from 'node:http'

/** Whether a method changes nothing: GET, HEAD and OPTIONS. */
export const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

/** Browsers tell where a request comes from; pages of other sites can't change what they say. */
export const isSameOrigin = (headers: IncomingHttpHeaders, baseUrl: string): boolean =>
  headers['sec-fetch-site'] === 'same-origin' || (
    headers.origin != null && URL.canParse(baseUrl) && headers.origin === new URL(baseUrl).origin
  )
