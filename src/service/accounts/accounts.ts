import type { Startable } from '../../base/lifecycle.ts'
import type { ApiKeyRow, UserRow } from '../sql/tables.ts'

/** What a key may do. A key made by registration may do everything. */
export const permissions = ['pins:read', 'pins:write', 'files:read', 'files:write', 'account:read', 'gateway:read'] as const
/** What a key may be allowed to do. */
export type Permission = typeof permissions[number]

/**
 * What is the same for as long as an account lives, or is told to all peers at once when it changes. Counters are not here: read them from
 * the tables.
 */
export type Account = Pick<UserRow, 'id' | 'email' | 'role' | 'state' | 'workspace_id' | 'created_at'>

/** Who asks. */
export interface Caller {
  user: Account
  via: { key: ApiKeyRow } | { session: string }
  permissions: ReadonlySet<Permission>
  /** The address that the request came from, behind trusted proxies the one that these tell. */
  address: string
}

/** Whether the caller may do everything that the account's owner may: a session, or a key with all permissions. */
export const isFull = ({ via, permissions: held }: Caller): boolean => 'session' in via || permissions.every(one => held.has(one))

/** How one becomes a user. `verified`: with a code that was sent to the address. `invite`: with a code of an admin. */
export type RegistrationMode = 'open' | 'verified' | 'invite' | 'closed'

/** Where a request came from, for the audit log. */
export interface Origin { address: string, /** What the client calls itself. */ agent?: string }

/** A log-in that has not ended. `id` names it for its owner: it opens nothing. */
export interface SessionSummary { id: string, createdAt: number, expiresAt: number, address: string, agent: string, isCurrent: boolean }

/** Answers a credential: the request's way in, so it has to be quick (keys are cached). */
export interface Credentials {
  /**
   * The owner of an API key. UNAUTHENTICATED for one that never was, or whose account is gone; NOT_AUTHORIZED for one that is revoked,
   * renewed away, expired or used up, and for all keys of a suspended account. Counts a use.
   */
  byKey (secret: string, origin: Origin): Promise<Caller>
  /** The owner of a session. UNAUTHENTICATED when it has ended; NOT_AUTHORIZED when the account is suspended. */
  bySession (secret: string, origin: Origin): Promise<Caller>
}

/** What a key shall be able to do, and for how long. */
export interface NewKey {
  name: string
  permissions: readonly Permission[]
  /** Unix milliseconds; null: never. */
  expiresAt: number | null
  /** null: any number. */
  maxUses: number | null
}

/** An account as its owner sees it. */
export interface AccountStatus {
  email: string
  createdAt: number
  verifiedAt: number | null
  fileCount: number
  fileBytes: number
  usedBytes: number
  quotaBytes: number
  role: 'user' | 'admin'
  /** How many files there are of each state, without what came through the Pinning Service API. What there is none of may be missing. */
  files: Readonly<Record<string, number>>
  /** How many pins of the Pinning Service API there are of each status. */
  pins: Readonly<Record<string, number>>
}

/**
 * Users, their passwords, sessions, codes and keys. Secrets are stored as hashes. What a caller changes about itself is written to the
 * audit log in the same transaction. Changes that end a key, a session or an account hold at once on this peer, and on the other peers of
 * the same database within a second.
 */
export interface Accounts extends Startable, Credentials {
  readonly registration: RegistrationMode
  /** How long a log-in lasts. */
  readonly sessionMs: number

  /**
   * CONFLICT when the address is taken (not in mode `verified`, which tells nobody), NOT_AUTHORIZED when registration is closed, REJECTED
   * for an invitation that is not valid. The key is null when a code was sent first.
   */
  register (
    input: { email: string, password: string, invite?: string | undefined }, origin: Origin
  ): Promise<{ email: string, apiKey: string | null, createdAt: number }>
  /**
   * REJECTED when the code is not valid, or a password is given and isn't the account's. Gives a key to an account that was waiting for it,
   * and to one that becomes an admin by it (whose earlier keys and sessions end, and whose password, unless it was given here); else null.
   */
  verify (
    input: { email: string, code: string, password?: string | undefined }, origin: Origin
  ): Promise<{ email: string, apiKey: string | null, createdAt: number }>
  /** UNAUTHENTICATED for an unknown address as for a wrong password, after the same time. */
  login (input: { email: string, password: string }, origin: Origin): Promise<{ caller: Caller, session: string, expiresAt: number }>
  /** Ends the session; of a key there is nothing to end. */
  logout (caller: Caller): Promise<void>

  /** Sends a code when the address has an account; tells nobody whether it has. NOT_READY when nothing can be sent. */
  sendCode (purpose: 'renew' | 'reset' | 'verify', email: string, origin: Origin): Promise<void>
  /** A new default key in place of the old one. REJECTED when the code is not valid. */
  renew (input: { email: string, code: string, revokeAll: boolean }, origin: Origin): Promise<{ apiKey: string }>
  /** Ends all other sessions. REJECTED when the code is not valid. */
  resetPassword (input: { email: string, code: string, password: string }, origin: Origin): Promise<void>
  /** Ends all other sessions. REJECTED when the old one is wrong. */
  changePassword (caller: Caller, input: { old: string, password: string }): Promise<void>
  /** For what can't be undone. REJECTED when it is wrong. */
  checkPassword (caller: Caller, password: string): Promise<void>

  /** What the account has and may have. */
  status (user: string): Promise<AccountStatus>
  /** Newest first. */
  sessionsOf (caller: Caller): Promise<SessionSummary[]>
  /** NOT_FOUND for one that has ended, or is somebody else's. */
  endSession (caller: Caller, id: string): Promise<void>
  /** All but the one that asks. */
  endOtherSessions (caller: Caller): Promise<void>
  /** Newest first. Secrets aren't there any more. */
  keys (user: string): Promise<ApiKeyRow[]>
  /** Gives the secret, this once. */
  createKey (caller: Caller, key: NewKey): Promise<{ id: string, apiKey: string }>
  /** Idempotent. NOT_FOUND for others'. */
  revokeKey (caller: Caller, id: string): Promise<void>

  /** Of any peer, or the program beside it: whatever is known about these users is read anew. */
  changed (user: string): void
}
