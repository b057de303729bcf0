import type { Migration } from './migration.ts'
import { table } from './migration.ts'

const withUser = 'user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE'

/** What has happened to each user's things, and webhooks that tell it. */
export const v04Events: Migration = {
  version: 4,
  statements: kind => [
    table(kind, 'event_heads', `user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, seq bigint NOT NULL`),
    table(
      kind, 'events',
      `${withUser}, seq bigint NOT NULL, at bigint NOT NULL, type text NOT NULL, data text NOT NULL, PRIMARY KEY (user_id, seq)`
    ),
    table(kind, 'webhooks', `id text PRIMARY KEY, ${withUser}, workspace_id text NOT NULL, url text NOT NULL, secret text NOT NULL, types text NOT NULL DEFAULT '[]',
      state text NOT NULL, seq bigint NOT NULL, tried_seq bigint NOT NULL DEFAULT 0, failures bigint NOT NULL DEFAULT 0, next_try_at bigint NOT NULL DEFAULT 0, lease_until bigint NOT NULL DEFAULT 0,
      created_at bigint NOT NULL`),
    table(kind, 'webhook_deliveries', `id text PRIMARY KEY, webhook_id text NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, ${withUser}, delivery_id text NOT NULL,
      at bigint NOT NULL, attempt bigint NOT NULL, events bigint NOT NULL, type text NOT NULL, status bigint, error text, took_ms bigint NOT NULL`),
    'CREATE INDEX events_by_age ON events (at)',
    'CREATE INDEX webhooks_by_user ON webhooks (user_id, created_at, id)',
    'CREATE INDEX webhooks_active ON webhooks (next_try_at) WHERE state = \'active\'',
    'CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (webhook_id, at, id)'
  ]
}
