import type { Migration } from './migration.ts'

/** A log-in tells where it came from, so that its owner knows it again. */
export const v05Sessions: Migration = {
  version: 5,
  statements: kind => ['address', 'agent'].map(
    column => `ALTER TABLE sessions ADD COLUMN ${column} ${kind === 'sqlite' ? 'TEXT' : 'text COLLATE "C"'} NOT NULL DEFAULT ''`
  )
}
