import type { DatabaseKind, Migration } from './migration.ts'
import { table } from './migration.ts'
import { postgresUpkeep, sqliteUpkeep } from './v01-upkeep.ts'

/** The first version: everything that `tables.ts` tells. */
export const v01Tables: Migration = {
  version: 1,
  statements: kind => [
    ...tables(kind).map(([name, columns]) => table(kind, name, columns)),
    ...indexes(kind),
    ...(kind === 'sqlite' ? sqliteUpkeep() : postgresUpkeep())
  ]
}

const ofUser = 'user_id text NOT NULL REFERENCES users (id)'
const withUser = `${ofUser} ON DELETE CASCADE`
const isFlag = (column: string): string => `${column} bigint NOT NULL DEFAULT 0 CHECK (${column} IN (0, 1))`

/** The row's number, by which SQLite's search tables name it: an own column, because only such numbers stay over a VACUUM. */
const numbered = (kind: DatabaseKind, key: string): string =>
  kind === 'sqlite' ? `seq bigint PRIMARY KEY, ${key} text NOT NULL UNIQUE` : `${key} text PRIMARY KEY`

const tables = (kind: DatabaseKind): Array<[string, string]> => [
  ['meta', 'key text PRIMARY KEY, value text NOT NULL'],
  ['workspaces', 'id text PRIMARY KEY, name text NOT NULL, created_at bigint NOT NULL'],
  ['users', `id text PRIMARY KEY, email text NOT NULL, email_key text NOT NULL UNIQUE, password_hash text NOT NULL, created_at bigint NOT NULL, verified_at bigint,
    state text NOT NULL, role text NOT NULL, quota_bytes bigint NOT NULL, used_bytes bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    file_count bigint NOT NULL DEFAULT 0, file_bytes bigint NOT NULL DEFAULT 0, workspace_id text NOT NULL REFERENCES workspaces (id)`],
  ['api_keys', `id text PRIMARY KEY, ${withUser}, workspace_id text NOT NULL, name text NOT NULL, prefix text NOT NULL, secret_hash text NOT NULL, permissions text NOT NULL,
    kind text NOT NULL, expires_at bigint, max_uses bigint, uses bigint NOT NULL DEFAULT 0, created_at bigint NOT NULL, last_used_at bigint, revoked_at bigint`],
  [
    'sessions',
    `id_hash text PRIMARY KEY, ${withUser}, created_at bigint NOT NULL, expires_at bigint NOT NULL, last_used_at bigint NOT NULL`
  ],
  ['codes', `${withUser}, purpose text NOT NULL, code_hash text NOT NULL, expires_at bigint NOT NULL, attempts_left bigint NOT NULL, created_at bigint NOT NULL,
    PRIMARY KEY (user_id, purpose)`],
  [
    'invites',
    'code_hash text PRIMARY KEY, email text, created_by text NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL, used_at bigint'
  ],
  [
    '"groups"',
    `id text PRIMARY KEY, ${withUser}, workspace_id text NOT NULL, name text NOT NULL, created_at bigint NOT NULL, UNIQUE (user_id, name)`
  ],
  ['files', `${numbered(kind, 'id')}, ${ofUser}, workspace_id text NOT NULL, cid text NOT NULL, kind text NOT NULL, original_filename text NOT NULL, name_key text NOT NULL,
    content_type text NOT NULL, size_bytes bigint NOT NULL, group_id text REFERENCES "groups" (id) ON DELETE SET NULL, meta text NOT NULL DEFAULT '{}', state text NOT NULL, error text,
    uploaded_at bigint NOT NULL, view_count bigint NOT NULL DEFAULT 0, last_accessed_at bigint NOT NULL DEFAULT 0, staging_key text,
    origin text NOT NULL DEFAULT 'upload', ${isFlag('owns_pin')}, lease_until bigint, tries bigint NOT NULL DEFAULT 0, UNIQUE (user_id, cid)`],
  ['pins', `${numbered(kind, 'request_id')}, ${ofUser}, workspace_id text NOT NULL, cid text NOT NULL, name text NOT NULL, name_key text NOT NULL, origins text NOT NULL DEFAULT '[]',
    meta text NOT NULL DEFAULT '{}', created bigint NOT NULL, status text NOT NULL, info text NOT NULL DEFAULT '{}', size_bytes bigint, UNIQUE (user_id, created)`],
  ['holdings', `${ofUser}, cid text NOT NULL, size_bytes bigint, holders bigint NOT NULL CHECK (holders > 0), PRIMARY KEY (user_id, cid)`],
  [
    'reservations',
    `id text PRIMARY KEY, ${ofUser}, bytes bigint NOT NULL CHECK (bytes >= 0), purpose text NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL`
  ],
  ['cluster_pins', `cid text PRIMARY KEY, ${isFlag('made')}, owners bigint NOT NULL CHECK (owners >= 0), want text NOT NULL, ${isFlag('applied')}, status text NOT NULL,
    replicas bigint NOT NULL DEFAULT 0, wanted_replicas bigint NOT NULL DEFAULT 0, info text NOT NULL DEFAULT '{}', name text NOT NULL, origins text NOT NULL DEFAULT '[]',
    changed_at bigint NOT NULL, next_try_at bigint, tries bigint NOT NULL DEFAULT 0, size_bytes bigint`],
  ['counters', `${withUser}, name text NOT NULL, value bigint NOT NULL, PRIMARY KEY (user_id, name)`],
  ['tasks', `id text PRIMARY KEY, user_id text REFERENCES users (id) ON DELETE CASCADE, kind text NOT NULL, version bigint NOT NULL, input text NOT NULL, state text NOT NULL,
    progress text, result text, error text, attempts bigint NOT NULL DEFAULT 0, run_at bigint NOT NULL, lease_owner text, lease_until bigint, created_at bigint NOT NULL,
    started_at bigint, completed_at bigint`],
  ['links', `id text PRIMARY KEY, secret_hash text NOT NULL UNIQUE, ${withUser}, workspace_id text NOT NULL, max_bytes bigint, content_types text NOT NULL DEFAULT '[]', group_id text,
    max_uses bigint NOT NULL, uses bigint NOT NULL DEFAULT 0, expires_at bigint NOT NULL, created_at bigint NOT NULL, revoked_at bigint`],
  ['uploads', `id text PRIMARY KEY, ${ofUser}, workspace_id text NOT NULL, length bigint, "offset" bigint NOT NULL DEFAULT 0, metadata text NOT NULL DEFAULT '{}', staging_key text,
    reservation_id text, link_id text, state text NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL`],
  ['usage_days', `${withUser}, day text NOT NULL, bytes_stored bigint NOT NULL DEFAULT 0, bytes_served bigint NOT NULL DEFAULT 0, requests bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day)`],
  ['views', `${withUser}, cid text NOT NULL, day text NOT NULL, views bigint NOT NULL, PRIMARY KEY (user_id, cid, day)`],
  ['audit', `id text PRIMARY KEY, at bigint NOT NULL, user_id text, actor text NOT NULL, action text NOT NULL, object text NOT NULL, address text NOT NULL,
    details text NOT NULL DEFAULT '{}'`],
  ...(kind === 'sqlite' ? [notices] : [])
]

/** What one process on a SQLite file tells the others; PostgreSQL has NOTIFY. */
const notices: [string, string] =
  ['notices', 'id bigint PRIMARY KEY AUTOINCREMENT, at bigint NOT NULL, origin text NOT NULL, channel text NOT NULL, text text NOT NULL']

/** Lists of a user begin with the user and end with something unique, so that a page is a piece of an index. */
const indexes = (kind: DatabaseKind): string[] => [
  'users_by_age ON users (created_at, id)',
  'api_keys_by_prefix ON api_keys (prefix)',
  'api_keys_by_user ON api_keys (user_id)',
  'sessions_by_user ON sessions (user_id)',
  'sessions_by_end ON sessions (expires_at)',
  'files_by_age ON files (user_id, uploaded_at, id)',
  'files_by_name ON files (user_id, name_key, id)',
  'files_by_size ON files (user_id, size_bytes, id)',
  'files_by_views ON files (user_id, view_count, id)',
  'files_by_access ON files (user_id, last_accessed_at, id)',
  'files_by_group ON files (user_id, group_id, uploaded_at, id)',
  'files_by_state ON files (user_id, state, uploaded_at, id)',
  'files_of_group ON files (group_id) WHERE group_id IS NOT NULL',
  'files_of_cid ON files (cid)',
  'files_staged ON files (staging_key) WHERE staging_key IS NOT NULL',
  'files_importing ON files (lease_until) WHERE state = \'importing\'',
  'files_superfluous ON files (id) WHERE state = \'pinned\' AND staging_key IS NOT NULL',
  'pins_by_status ON pins (user_id, status, created)',
  'pins_by_name ON pins (user_id, name_key, created)',
  'pins_of_user_and_cid ON pins (user_id, cid, created)',
  'pins_of_cid ON pins (cid)',
  'holdings_of_cid ON holdings (cid)',
  'reservations_by_user ON reservations (user_id)',
  'reservations_by_end ON reservations (expires_at)',
  'cluster_pins_due ON cluster_pins (applied, next_try_at)',
  'cluster_pins_by_status ON cluster_pins (status)',
  'tasks_open ON tasks (run_at) WHERE state IN (\'PENDING\', \'STARTED\')',
  'tasks_by_user ON tasks (user_id, created_at)',
  'tasks_by_end ON tasks (completed_at) WHERE completed_at IS NOT NULL',
  'links_by_user ON links (user_id, created_at)',
  'uploads_by_user ON uploads (user_id, created_at)',
  'uploads_by_end ON uploads (expires_at)',
  'uploads_staged ON uploads (staging_key) WHERE staging_key IS NOT NULL',
  'views_by_day ON views (user_id, day)',
  'audit_by_age ON audit (at, id)',
  'audit_by_user ON audit (user_id, at, id)',
  ...(kind === 'sqlite' ? ['notices_by_age ON notices (at)'] : [])
].map(index => `CREATE INDEX ${index}`)
