import { hash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { signToken, verifyToken } from './jwt.ts'

/** Who asks. */
export interface Principal { user: string }

/** The answer to credentials: a principal, or what a 401 has to say. */
export type Verdict = { principal: Principal } | { message: string, challenges: string[] }

/** Decides who a request comes from, by its Authorization header. */
export interface Authenticator {
  /** Undefined: the request had no Authorization header. */
  check (authorization: string | undefined): Verdict
  /** A token by which this user is known from now on; undefined for unknown users. */
  token (principal: Principal): string | undefined
}

export interface PasswordAuthInit {
  /** user → password; not empty. */
  credentials: ReadonlyMap<string, string>
  realm: string
}

/** Basic credentials, and tokens signed with the user's password (api/common). */
export function passwordAuthenticator ({ credentials, realm }: PasswordAuthInit, { clock }: { clock: Clock }): Authenticator {
  const basic = `Basic realm="${realm}"`
  const bearer = `Bearer realm="${realm}"`
  const digests = new Map([...credentials].map(([user, password]) => [user, digest(password)]))
  const nobody = digest('')

  const checkBasic = (user: string, password: string): Verdict => {
    const same = timingSafeEqual(digests.get(user) ?? nobody, digest(password))
    if (same && digests.has(user) && user !== '' && password !== '') return { principal: { user } }
    return { message: 'unauthorized: access denied', challenges: [basic] }
  }

  return {
    check (authorization = '') {
      const pair = basicPair(authorization)
      if (pair != null) return checkBasic(pair.user, pair.password)
      const token = /^bearer (.+)$/i.exec(authorization)?.[1]
      if (token == null) return { message: 'unauthorized: no auth provided', challenges: [bearer, basic] }
      const user = verifyToken(token, { passwordOf: name => credentials.get(name), now: clock.now() })
      return user == null
        ? { message: 'unauthorized: invalid token', challenges: [`${bearer}, error="invalid_token"`] }
        : { principal: { user } }
    },
    token ({ user }) {
      const password = credentials.get(user)
      return password == null ? undefined : signToken(user, password)
    }
  }
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** User and password of a Basic header; null when it isn't one that can be read. */
function basicPair (authorization: string): { user: string, password: string } | null {
  const encoded = /^basic (.*)$/i.exec(authorization)?.[1]
  if (encoded == null || encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
