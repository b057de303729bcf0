import type { Migration } from './migration.ts'

/** Who pinned a CID first: its pin waits in the queue of that tenant. */
export const v07PinTenants: Migration = {
  version: 7,
  statements: kind => [`ALTER TABLE cluster_pins ADD COLUMN tenant ${kind === 'sqlite' ? 'TEXT' : 'text COLLATE "C"'} NOT NULL DEFAULT ''`]
}
