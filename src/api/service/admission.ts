import type { IncomingHttpHeaders } from 'node:http'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Arrival } from '../../http/request/trusted-proxies.ts'
import { countedAddress } from '../../http/request/trusted-proxies.ts'
import type { Caller, Credentials } from '../../service/accounts/accounts.ts'
import { isFull } from '../../service/accounts/accounts.ts'
import type { Limit, Limits, RateLimit } from '../../service/limits/limits.ts'
import { isReading, isSameOrigin } from '../common/same-origin.ts'
import type { ServiceAccess, ServiceRoute, TightLimit } from './service-route.ts'
import { sessionOf } from './session-cookie.ts'

export interface AdmissionInit { perKey: Limit, perAddress: Limit, tight: Readonly<Record<TightLimit, Limit>> }

/** All of a request that decides whether it is let in. */
export interface Asking { method: string, headers: IncomingHttpHeaders, arrival: Arrival, baseUrl: string }

/**
 * Who may come in: the request's credentials, the limits and the route's access, in the order that costs least. Requests without a valid
 * key or session count for their address, others for the key.
 */
export class Admission {
  readonly #credentials: Credentials
  readonly #perKey: RateLimit
  readonly #perAddress: RateLimit
  readonly #tight: Readonly<Record<TightLimit, RateLimit>>

  constructor (
    { perKey, perAddress, tight }: AdmissionInit, { credentials, limits }: { credentials: Credentials, limits: Pick<Limits, 'limit'> }
  ) {
    const tightOf = (name: TightLimit): RateLimit => limits.limit(name, tight[name])
    this.#credentials = credentials
    this.#perKey = limits.limit('key', perKey)
    this.#perAddress = limits.limit('address', perAddress)
    this.#tight = { 'sign-up': tightOf('sign-up'), login: tightOf('login'), code: tightOf('code') }
  }

  /** Null on open routes for who hasn't said, or can't prove, who they are. Rejects with UNAUTHENTICATED, NOT_AUTHORIZED, RATE_LIMITED. */
  async admit (route: Pick<ServiceRoute, 'access' | 'limit'>, asking: Asking): Promise<Caller | null> {
    const address = countedAddress(asking.arrival.address)
    if (route.limit != null) await this.#tight[route.limit].take(address)
    // a page of another site could log its visitor into an account of its own
    if (route.limit === 'login' && asking.headers.origin != null && !isSameOrigin(asking.headers, asking.baseUrl)) {
      throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'pages of other sites can not log anybody in' })
    }
    const caller = await this.#callerOf(route.access, asking, address)
    if (caller == null) {
      await this.#perAddress.take(address)
      return null
    }
    await this.#perKey.take('key' in caller.via ? caller.via.key.id : caller.via.session)
    checkAccess(route.access, caller)
    return caller
  }

  async #callerOf (access: ServiceAccess, asking: Asking, address: string): Promise<Caller | null> {
    try {
      const caller = await this.#identify(asking)
      if (caller == null && access !== 'open') {
        throw new ClusterError('UNAUTHENTICATED', {}, { message: 'an API key is required: X-API-Key, or Authorization: Bearer' })
      }
      return caller
    } catch (err) {
      if (!isClusterError(err, 'UNAUTHENTICATED') && !isClusterError(err, 'NOT_AUTHORIZED')) throw err
      // a stale cookie must not keep anybody from logging in
      if (access === 'open') return null
      await this.#perAddress.take(address)
      throw err
    }
  }

  async #identify ({ method, headers, arrival: { address }, baseUrl }: Asking): Promise<Caller | null> {
    const key = keyOf(headers)
    if (key != null) return this.#credentials.byKey(key, { address })
    const session = sessionOf(headers.cookie)
    if (session == null) return null
    if (!isReading(method) && !isSameOrigin(headers, baseUrl)) {
      throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'a session changes something only for pages of this service' })
    }
    return this.#credentials.bySession(session, { address })
  }
}

function keyOf (headers: IncomingHttpHeaders): string | undefined {
  const own = headers['x-api-key']
  if (own != null) return String(own).trim()
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
}

function checkAccess (access: ServiceAccess, caller: Caller): void {
  if (access === 'open') return
  if (typeof access === 'object') {
    if (!caller.permissions.has(access.permission)) {
      throw new ClusterError('NOT_AUTHORIZED', {}, { message: `the key has no permission ${access.permission}` })
    }
    return
  }
  if (!isFull(caller)) throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'a key with all permissions, or a log-in, is required' })
  if (access === 'admin' && caller.user.role !== 'admin') throw new ClusterError('NOT_AUTHORIZED', {}, { message: 'this is for admins' })
}
