import type { DatabaseKind, Migration } from './migration.ts'

const number = (kind: DatabaseKind): string => kind === 'sqlite' ? 'INTEGER' : 'bigint'

/**
 * Users are listed by what they use, when they were last seen, and their state; invitations can be listed, revoked, and say who used them.
 */
export const v06SeenUsers: Migration = {
  version: 6,
  statements: kind => [
    `ALTER TABLE users ADD COLUMN last_seen_at ${number(kind)} NOT NULL DEFAULT 0`,
    'CREATE INDEX users_by_use ON users (used_bytes, id)',
    'CREATE INDEX users_by_sight ON users (last_seen_at, id)',
    'CREATE INDEX users_by_state ON users (state, id)',
    `ALTER TABLE invites ADD COLUMN revoked_at ${number(kind)}`,
    `ALTER TABLE invites ADD COLUMN used_by ${kind === 'sqlite' ? 'TEXT' : 'text COLLATE "C"'}`,
    'CREATE INDEX invites_by_age ON invites (created_at, code_hash)'
  ]
}
