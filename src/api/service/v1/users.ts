import { z } from 'zod'
import type { Accounts } from '../../../service/accounts/accounts.ts'
import { addressOf } from '../../../service/accounts/address.ts'
import type { RateLimit } from '../../../service/limits/limits.ts'
import { success, successDoc, time, timeText } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { noSessionCookie, sessionCookie } from '../session-cookie.ts'
import { bytes, code, email, givenPassword, password } from './fields.ts'

export interface UserRoutesDeps {
  accounts: Accounts
  /** Log-ins and codes of one account, whoever tries. */
  perAccount: RateLimit
}

const registered = z.object({
  email: z.string(), api_key: z.string().optional().describe('Shown only once. Not there while a code is awaited.'), created_at: time
})
const apiKey = z.object({ api_key: z.string().describe('Shown only once.') })
const status = z.object({
  email: z.string(),
  created_at: time,
  file_count: z.int(),
  total_size_bytes: bytes.describe('Of files.'),
  used_bytes: bytes.describe('Of files and pins: what counts for the quota.'),
  quota_bytes: bytes,
  role: z.enum(['user', 'admin']),
  verified: z.boolean(),
  files_by_state: z.record(z.string(), z.int()).describe(
    'How many files have each state, without what came through the Pinning Service API.'
  ),
  pins_by_status: z.record(z.string(), z.int()).describe('How many pins of the Pinning Service API have each status.')
})
const tag = 'Users'

/** Sign-up, log-in, and what a mailed code is good for. */
export function userRoutes (deps: UserRoutesDeps): ServiceRoute[] {
  return [
    register(deps),
    verify(deps),
    challenge(deps, { path: '/api/v1/users/verify/challenge', purpose: 'verify', summary: 'Have a code mailed that confirms the address.' }),
    login(deps),
    logout(deps),
    challenge(deps, { path: '/api/v1/users/renew/challenge', purpose: 'renew', summary: 'Have a code mailed that renews the API key.' }),
    renew(deps),
    accountStatus(deps),
    changePassword(deps),
    challenge(
      deps, { path: '/api/v1/users/password/reset/challenge', purpose: 'reset', summary: 'Have a code mailed that resets the password.' }
    ),
    resetPassword(deps)
  ]
}

const challenge = (
  { accounts, perAccount }: UserRoutesDeps,
  { path, purpose, summary }: { path: string, purpose: 'renew' | 'reset' | 'verify', summary: string }
): ServiceRoute => serviceRoute({
  method: 'POST',
  path,
  access: 'open',
  limit: 'code',
  body: z.object({ email }),
  doc: { tag, summary, responses: [successDoc(undefined, { message: true, about: 'Also for an address that has no account.' })] },
  handler: async ({ body, address }) => {
    await perAccount.take(addressOf(body.email).key)
    await accounts.sendCode(purpose, body.email, { address })
    return success({ message: 'Verification code sent to email' })
  }
})

const register = ({ accounts }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/register',
  access: 'open',
  limit: 'sign-up',
  body: z.object({ email, password, invite: z.string().max(100).optional().describe('Where registration needs an invitation.') }),
  doc: {
    tag,
    summary: 'Create an account. Gives its API key, once.',
    responses: [
      successDoc(registered, { status: 201, message: true, about: 'The account is there.' }),
      successDoc(registered, { status: 202, message: true, about: 'A code was mailed to the address: send it to users/verify.' }),
      { status: 403, about: 'Accounts are made by the operator only.' },
      { status: 409, about: 'The address has an account.' }
    ]
  },
  handler: async ({ body, address }) => {
    const made = await accounts.register(body, { address })
    const data = { email: made.email, ...(made.apiKey == null ? {} : { api_key: made.apiKey }), created_at: timeText(made.createdAt) }
    return made.apiKey == null
      ? success({ status: 202, message: 'Verification code sent to email', data })
      : success({ status: 201, message: 'User registered successfully', data })
  }
})

const verify = ({ accounts, perAccount }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/verify',
  access: 'open',
  limit: 'code',
  body: z.strictObject({
    email, verification_code: code,
    password: givenPassword.optional().describe(
      'The one that was registered with, to be sure that nobody else has registered the address.'
    )
  }),
  doc: {
    tag, summary: 'Confirm the address with the code that was mailed to it.',
    responses: [successDoc(registered, { message: true, about: 'Confirmed. An account that waited for this gets its API key.' })]
  },
  handler: async ({ body, address }) => {
    await perAccount.take(addressOf(body.email).key)
    const done = await accounts.verify({ email: body.email, code: body.verification_code, password: body.password }, { address })
    return success({
      message: 'Email verified successfully',
      data: { email: done.email, ...(done.apiKey == null ? {} : { api_key: done.apiKey }), created_at: timeText(done.createdAt) }
    })
  }
})

const login = ({ accounts, perAccount }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/login',
  access: 'open',
  limit: 'login',
  body: z.object({ email, password: givenPassword }),
  doc: {
    tag,
    summary: 'Log in: for browsers. Sets a cookie.',
    responses: [
      successDoc(
        z.object({ email: z.string(), role: z.enum(['user', 'admin']), expires_at: time }), { message: true, about: 'Logged in.' }
      ),
      { status: 401, about: 'Address or password are wrong.' },
      { status: 403, about: 'The account is suspended, or its address not confirmed; or a page of another site asks.' }
    ]
  },
  handler: async ({ body, address, headers }) => {
    await perAccount.take(addressOf(body.email).key)
    const { caller, session, expiresAt } = await accounts.login(body, { address, agent: headers['user-agent'] ?? '' })
    return success({
      message: 'Logged in successfully',
      data: { email: caller.user.email, role: caller.user.role, expires_at: timeText(expiresAt) },
      headers: [sessionCookie(session, accounts.sessionMs)]
    })
  }
})

const logout = ({ accounts }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/logout',
  access: 'session-or-full-key',
  doc: { tag, summary: 'End the session.', responses: [successDoc(undefined, { message: true })] },
  handler: async ({ caller }) => {
    await accounts.logout(caller)
    return success({ message: 'Logged out successfully', headers: [noSessionCookie] })
  }
})

const renew = ({ accounts, perAccount }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/renew',
  access: 'open',
  limit: 'code',
  body: z.strictObject({
    email, verification_code: code,
    revoke_all: z.boolean().optional().describe('Ends all keys of the account, not only the one that is renewed.')
  }),
  doc: {
    tag, summary: 'A new API key in place of the account\'s default key. Other keys stay, unless revoke_all is true.',
    responses: [successDoc(apiKey, { message: true })]
  },
  handler: async ({ body, address }) => {
    await perAccount.take(addressOf(body.email).key)
    const renewed = await accounts.renew(
      { email: body.email, code: body.verification_code, revokeAll: body.revoke_all ?? false }, { address }
    )
    return success({ message: 'API key renewed successfully', data: { api_key: renewed.apiKey } })
  }
})

const accountStatus = ({ accounts }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'GET',
  path: '/api/v1/users/status',
  access: { permission: 'account:read' },
  doc: { tag, summary: 'The account: its size and its quota.', responses: [successDoc(status)] },
  handler: async ({ caller }) => {
    const found = await accounts.status(caller.user.id)
    return success({
      data: {
        email: found.email,
        created_at: timeText(found.createdAt),
        file_count: found.fileCount,
        total_size_bytes: found.fileBytes,
        used_bytes: found.usedBytes,
        quota_bytes: found.quotaBytes,
        role: found.role,
        verified: found.verifiedAt != null,
        files_by_state: found.files,
        pins_by_status: found.pins
      }
    })
  }
})

const changePassword = ({ accounts }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/password',
  access: 'session-or-full-key',
  limit: 'login',
  body: z.object({ old_password: givenPassword, new_password: password }),
  doc: { tag, summary: 'Change the password. Ends all other sessions.', responses: [successDoc(undefined, { message: true })] },
  handler: async ({ body, caller }) => {
    await accounts.changePassword(caller, { old: body.old_password, password: body.new_password })
    return success({ message: 'Password changed successfully' })
  }
})

const resetPassword = ({ accounts, perAccount }: UserRoutesDeps): ServiceRoute => serviceRoute({
  method: 'POST',
  path: '/api/v1/users/password/reset',
  access: 'open',
  limit: 'code',
  body: z.object({ email, verification_code: code, new_password: password }),
  doc: {
    tag, summary: 'Set a new password with a mailed code. Ends all sessions.', responses: [successDoc(undefined, { message: true })]
  },
  handler: async ({ body, address }) => {
    await perAccount.take(addressOf(body.email).key)
    await accounts.resetPassword({ email: body.email, code: body.verification_code, password: body.new_password }, { address })
    return success({ message: 'Password reset successfully' })
  }
})
