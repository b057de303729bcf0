import type { Migration } from './migration.ts'

/** Upload links have names; admins see the tasks of everybody, newest first. */
export const v02LinkNames: Migration = {
  version: 2,
  statements: kind => [
    `ALTER TABLE links ADD COLUMN name ${kind === 'sqlite' ? 'TEXT' : 'text COLLATE "C"'} NOT NULL DEFAULT ''`,
    'CREATE INDEX tasks_by_age ON tasks (created_at, id)'
  ]
}
