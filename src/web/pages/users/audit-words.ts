import type { AuditEntry } from '../../../client/service/types.ts'

const actionWords: Readonly<Record<string, string>> = {
  register: 'Signed up',
  'register-again': 'Tried to sign up again',
  'code-verify': 'Code mailed to prove the address',
  verify: 'Address proved',
  'verify-failed': 'Wrong code for the address',
  login: 'Logged in',
  logout: 'Logged out',
  'key-create': 'Key made',
  'key-revoke': 'Key revoked',
  'code-renew': 'Code mailed for a new key',
  renew: 'Key renewed',
  'renew-failed': 'Wrong code for a new key',
  password: 'Password changed',
  'code-reset': 'Code mailed for a new password',
  reset: 'Password reset',
  'reset-failed': 'Wrong code for a new password',
  invite: 'Invitation made',
  'invite-revoke': 'Invitation revoked',
  quota: 'Quota changed',
  suspend: 'Suspended',
  resume: 'Suspension ended',
  role: 'Role changed',
  add: 'Account made',
  'take-over': 'Account taken over',
  export: 'Export asked for',
  delete: 'Deletion asked for',
  'account-deleted': 'Account deleted',
  'task-revoke': 'Task stopped by an admin'
}

/** What an audited action is called; one that this page doesn't know keeps its own word. */
export const actionText = (action: string): string => actionWords[action] ?? action

/** Who did it, for somebody who looks at one user. */
export function actorText ({ actor, user_id: user }: Pick<AuditEntry, 'actor' | 'user_id'>): string {
  if (actor === 'service') return 'the service'
  if (actor === 'command-line') return 'the command line'
  if (user != null && actor === `user:${user}`) return 'the user'
  if (actor.startsWith('key:')) return 'a key of the user'
  return actor.startsWith('user:') ? 'an admin' : actor
}
