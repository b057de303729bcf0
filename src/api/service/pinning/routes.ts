import type { ClusterApi } from '../../../cluster/cluster-api.ts'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import type { Reply } from '../../../http/answer/reply.ts'
import { jsonReply } from '../../../http/answer/reply.ts'
import type { MultiaddrText, PeerId } from '../../../model/cid.ts'
import { parseCid } from '../../../model/cid.ts'
import { multiaddrText, parseMultiaddr } from '../../../model/multiaddr.ts'
import { formatTime } from '../../../model/time.ts'
import type { Caller } from '../../../service/accounts/accounts.ts'
import type { PinOwner, Pins, TenantPin, WantedPin } from '../../../service/pins/pins.ts'
import type { Delegates } from '../../common/delegates.ts'
import { bodiless } from '../answers.ts'
import type { ServiceCall, ServiceResponseDoc, ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { readListQuery } from './list-query.ts'
import type { PinBody, PinUpdateBody } from './schemas.ts'
import { listQuerySchema, pinResultsSchema, pinSchema, pinStatusSchema, pinUpdateSchema } from './schemas.ts'

export interface PinningRoutesDeps {
  pins: Pins
  cluster: Pick<ClusterApi, 'allocation'>
  delegates: Pick<Delegates, 'refresh' | 'of'>
  /**
   * Answers exactly as the specification and its test suite want them: 202 for a new pin, another CID makes a new pin in the place of the
   * old one, and a list by name has all statuses. Without: 201, the CID of a pin stays, and lists without a status have what is pinned.
   */
  strict?: boolean
}

const base = '/api/pinning/pins'
const one = `${base}/{requestid}`
const tag = 'Pins'
const params = { requestid: 'The pin, as it was named when it was made.' }

const pinStatus = (status: number, about: string): ServiceResponseDoc => ({ status, about, schema: pinStatusSchema })
const absent: ServiceResponseDoc = { status: 404, about: 'There is no such pin.' }
const full: ServiceResponseDoc = { status: 409, about: 'The account is full (`INSUFFICIENT_FUNDS`); nothing was changed.' }
const legal: ServiceResponseDoc = { status: 451, about: 'The content is denied for legal reasons.' }

/** The Pinning Service API of the service's users: each sees pins of their own only. */
export function pinningRoutes (deps: PinningRoutesDeps): ServiceRoute[] {
  return [
    listPins(deps), createPin(deps), getPin(deps), changePin(deps), removePin(deps)
  ]
}

const listPins = (deps: PinningRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: base,
  access: { permission: 'pins:read' },
  fast: true,
  query: listQuerySchema,
  doc: {
    tag, summary: 'Pins, newest first.',
    responses: [{ status: 200, about: 'A page, and how many pins there are.', schema: pinResultsSchema }]
  },
  handler: async ({ caller, query, signal }) => {
    const { filter, limit } = readListQuery(query, { strict: deps.strict ?? false })
    const [found] = await Promise.all([deps.pins.find(caller.user.id, filter, { limit, signal }), deps.delegates.refresh()])
    return jsonReply(JSON.stringify({ count: found.count, results: found.pins.map(pin => pinStatusJson(pin, deps)) }))
  }
})

const createPin = (deps: PinningRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: base,
  access: { permission: 'pins:write' },
  fast: true,
  body: pinSchema,
  doc: { tag, summary: 'Pins a CID.', responses: [pinStatus(statusOfNew(deps), 'The pin is queued.'), full, legal] },
  handler: async ({ caller, body }) =>
    answer(await deps.pins.create(ownerOf(caller), wantedPin(body)), { status: statusOfNew(deps), as: 'queued' }, deps)
})

const getPin = (deps: PinningRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: one,
  access: { permission: 'pins:read' },
  fast: true,
  doc: { tag, summary: 'One pin.', params, responses: [pinStatus(200, 'The pin and its status.'), absent] },
  handler: async ({ caller, params, signal }) =>
    answer(await deps.pins.get(caller.user.id, params.requestid ?? '', { signal }), { status: 200 }, deps)
})

const changePin = (deps: PinningRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: one,
  access: { permission: 'pins:write' },
  fast: true,
  body: pinUpdateSchema,
  doc: {
    tag, summary: 'Replaces name, origins and meta of a pin.', params,
    responses: [pinStatus(202, 'The pin as it is now.'), absent, full, legal]
  },
  handler: async call => answer(await changed(call, deps), { status: 202 }, deps)
})

const removePin = ({ pins }: PinningRoutesDeps): ServiceRoute => serviceRoute({
  method: 'DELETE',
  path: one,
  access: { permission: 'pins:write' },
  fast: true,
  doc: { tag, summary: 'Unpins.', params, responses: [{ status: 202, about: 'The pin is removed.' }, absent] },
  handler: async ({ caller, params }) => {
    await pins.remove(caller.user.id, params.requestid ?? '')
    return bodiless(202)
  }
})

/** Whose pins a caller may see and change. */
const ownerOf = ({ user }: Caller): PinOwner => ({ id: user.id, workspace: user.workspace_id })

const statusOfNew = ({ strict = false }: PinningRoutesDeps): number => strict ? 202 : 201

async function answer (
  pin: TenantPin, { status, as = pin.status }: { status: number, as?: TenantPin['status'] }, deps: PinningRoutesDeps
): Promise<Reply> {
  await deps.delegates.refresh()
  return jsonReply(JSON.stringify(pinStatusJson({ ...pin, status: as }, deps)), status)
}

async function changed (
  { caller, params, body, signal }: ServiceCall<PinUpdateBody>, { pins, strict = false }: PinningRoutesDeps
): Promise<TenantPin> {
  const requestId = params.requestid ?? ''
  const old = await pins.get(caller.user.id, requestId, { signal })
  const wanted = wantedPin({ ...body, cid: body.cid ?? old.cid })
  const isOther = wanted.cid !== old.cid
  return strict && isOther ? pins.replace(ownerOf(caller), requestId, wanted) : pins.change(ownerOf(caller), requestId, wanted)
}

function pinStatusJson (pin: TenantPin, deps: PinningRoutesDeps): Record<string, unknown> {
  const { requestId, status, created, cid, name, origins, meta, info } = pin
  return {
    requestid: requestId,
    status,
    created: formatTime(created),
    pin: {
      cid, ...(name === '' ? {} : { name }), ...(origins.length === 0 ? {} : { origins }),
      ...(Object.keys(meta).length === 0 ? {} : { meta })
    },
    delegates: delegatesOf(cid, deps),
    info
  }
}

/** Those who hold it; of what isn't in the pinset yet, all who may. */
function delegatesOf (cid: string, { cluster, delegates }: PinningRoutesDeps): MultiaddrText[] {
  return delegates.of({ allocations: allocationsOf(cid, cluster) })
}

function allocationsOf (cid: string, cluster: Pick<ClusterApi, 'allocation'>): PeerId[] {
  try {
    return cluster.allocation(parseCid(cid)).allocations
  } catch (err) {
    if (isClusterError(err, 'NOT_PINNED')) return []
    throw err
  }
}

/** A checked body as what is to be pinned. INVALID_CID, INVALID_ARGUMENT. */
function wantedPin ({ cid, name, origins, meta }: PinBody): WantedPin {
  return {
    cid: parseCid(cid).toString(), name: name ?? '', origins: (origins ?? []).map(origin), meta: meta ?? {}
  }
}

/** A multiaddress in its canonical text; it needn't name a peer. */
function origin (text: string): string {
  const wrong = (why: string, cause?: unknown): ClusterError =>
    new ClusterError(
      'INVALID_ARGUMENT', { origin: text.slice(0, 200) },
      { message: `${JSON.stringify(text.slice(0, 200))} is no multiaddress: ${why}`, cause }
    )
  if (!text.startsWith('/')) throw wrong('it must begin with /')
  try {
    return multiaddrText(parseMultiaddr(text))
  } catch (err) {
    throw wrong(messageOf(err), err)
  }
}
