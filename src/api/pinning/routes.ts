import type { ParameterDoc, ResponseDoc, Route } from '../../http/routing/route.ts'
import { fast, open, RouteList } from '../../http/routing/route-list.ts'
import { queryDoc } from '../../http/routing/route.ts'
import type { PinningHandlers } from './handlers.ts'

const requestId: ParameterDoc = { name: 'requestid', in: 'path', type: 'string', about: 'The CID of the pin.' }

const listOptions: readonly ParameterDoc[] = [
  queryDoc('cid', 'string', 'Comma list of 10 at most: only these CIDs, in whatever status.'),
  queryDoc('name', 'string', 'Only pins with this name.'),
  queryDoc('match', 'string', 'How names are compared: exact (default), iexact, partial, ipartial.'),
  queryDoc('status', 'string', 'Comma list of queued, pinning, pinned, failed. Default: pinned; with name all.'),
  queryDoc('before', 'string', 'Created before this time (RFC 3339), exclusive.'),
  queryDoc('after', 'string', 'Created after this time (RFC 3339), exclusive.'),
  queryDoc('limit', 'integer', 'Length of the page, 1 to 1000. Default 10.'),
  queryDoc('meta', 'string', 'A JSON object of strings: only pins with all of these in their meta.')
]

const failure = (status: number, about: string): ResponseDoc => ({ status, about, schema: 'Failure' })
const badRequest = failure(400, 'The request is not valid; nothing was done.')
const absent = failure(404, 'There is no such pin.')
const denied = [failure(403, 'This peer denies the content.'), failure(451, 'This peer denies the content for legal reasons.')]
const refused = failure(500, 'The cluster refuses or fails; the reason says why.')
const accepted: ResponseDoc = { status: 202, about: 'The pin is queued.', schema: 'PinStatus' }
const pinBody = {
  contentType: 'application/json',
  about: 'A pin: cid, and perhaps name (255 characters), origins (20 multiaddresses), meta (an object of strings).'
}

/** The routes of the Pinning Service API, with Go's `/token` and `/health`. */
export function pinningRoutes (handlers: PinningHandlers): Route[] {
  const router = new RouteList()
  router.get('/pins', handlers.list, fast({
    summary: 'Pins, newest first.', parameters: listOptions,
    responses: [{ status: 200, about: 'A page, and how many pins there are.', schema: 'PinResults' }, badRequest, refused]
  }))
  router.post('/pins', handlers.add, fast({
    summary: 'Pins a CID.', requestBody: pinBody, responses: [accepted, badRequest, ...denied, refused]
  }))
  router.get('/pins/{requestid}', handlers.get, fast({
    summary: 'One pin.', parameters: [requestId],
    responses: [{ status: 200, about: 'The pin and its status.', schema: 'PinStatus' }, badRequest, absent, refused]
  }))
  router.post('/pins/{requestid}', handlers.replace, fast({
    summary: 'Puts a pin in the place of another.', parameters: [requestId], requestBody: pinBody,
    responses: [accepted, badRequest, ...denied, absent, refused]
  }))
  router.delete('/pins/{requestid}', handlers.remove, fast({
    summary: 'Unpins.', parameters: [requestId], responses: [{ status: 202, about: 'The pin is removed.' }, badRequest, absent, refused]
  }))
  router.post('/token', handlers.token, {
    summary: 'A token to use instead of the password.',
    responses: [{ status: 200, about: 'The token.', schema: 'Token' }, failure(401, 'No credentials are configured, or they are wrong.')]
  })
  router.get('/health', handlers.health, fast(open({
    summary: 'Answers when the peer runs.', responses: [{ status: 204, about: 'It runs.' }]
  })))
  return router.routes
}
