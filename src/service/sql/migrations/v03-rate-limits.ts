import type { Migration } from './migration.ts'

/**
 * What peers of one service count together. Without a log: counts may be gone after a crash of the server. SQLite's only peer counts in
 * memory.
 */
export const v03RateLimits: Migration = {
  version: 3,
  statements: kind => kind === 'sqlite' ? [] : [
    'CREATE UNLOGGED TABLE rate_limits (key text COLLATE "C" PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint) WITH (fillfactor = 50)'
  ]
}
