import type { HeaderList } from '../../http/answer/reply.ts'

/** The prefix makes browsers refuse it from other hosts, and over plain HTTP but on this machine. */
const name = '__Host-session'
const rules = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** The session's secret in the text of a Cookie header; undefined when it isn't in there. Not checked. */
export function sessionOf (cookies: string | undefined): string | undefined {
  return cookies?.split(';').map(one => one.trim()).find(one => one.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** The header that keeps a session in the browser. Not readable by scripts. */
export const sessionCookie = (secret: string, maxAgeMs: number): HeaderList[number] =>
  ['Set-Cookie', `${name}=${secret}; Max-Age=${Math.floor(maxAgeMs / 1000)}; ${rules}`]

/** The header that takes it out of the browser again. */
export const noSessionCookie: HeaderList[number] = ['Set-Cookie', `${name}=; Max-Age=0; ${rules}`]
