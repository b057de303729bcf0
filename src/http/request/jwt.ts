import jwt from 'jsonwebtoken'

/** The token of a user: constant for a user and a password, with nothing in it but the issuer. */
export function signToken (user: string, password: string): string {
  return jwt.sign({ iss: user }, password, { algorithm: 'HS256', noTimestamp: true })
}

export interface VerifyOptions {
  /** Undefined: there is no such user. */
  passwordOf: (user: string) => string | undefined
  /** Unix milliseconds. */
  now: number
}

/**
 * The user that a token was issued by; null when it isn't valid. HS256, HS384 and HS512 only; exp, nbf and iat are checked when present,
 * without leeway (the library doesn't look at iat).
 */
export function verifyToken (token: string, { passwordOf, now }: VerifyOptions): string | null {
  try {
    const issuer = payloadOf(jwt.decode(token))?.iss
    const password = typeof issuer === 'string' ? passwordOf(issuer) : undefined
    if (password == null || password === '') return null
    const seconds = Math.floor(now / 1000)
    const claims = payloadOf(jwt.verify(token, password, { algorithms: ['HS256', 'HS384', 'HS512'], clockTimestamp: seconds }))
    if (claims == null || (claims.iat != null && !(typeof claims.iat === 'number' && claims.iat <= seconds))) return null
    return issuer ?? null
  } catch {
    return null
  }
}

const payloadOf = (payload: unknown): jwt.JwtPayload | null => typeof payload === 'object' && payload != null ? payload : null
