import type { Generated, Selectable } from 'kysely'
import type { PinningStatus } from '../../model/pinning-service.ts'

/**
 * The tables of the service layer, the same on every database. Times are Unix milliseconds, booleans 0 or 1, JSON is text, ids are opaque
 * text (`ids.ts`). Columns that may be null, and those marked `Generated`, may be left out of an insert.
 *
 * - Everything that belongs to somebody has `user_id`, and every `where` names it. A user that still has files, pins, holdings,
 *   reservations or uploads can't be deleted (they have to be given up in order: quota, staging and cluster pins hang on them); keys,
 *   sessions, codes, links, groups, usage, views, counters, tasks, events and webhooks go with the user.
 * - The database keeps by itself, in the same transaction: `counters` (`files:STATE` without those of origin `pins`, `pins:STATUS`),
 *   `users.file_count` and `users.file_bytes`, and what `SqlDatabase.matching` searches in. Nobody else writes them.
 * - Only `Quota` writes `users.used_bytes`, `holdings` and `reservations`.
 */
export interface Tables {
  meta: MetaTable
  workspaces: WorkspacesTable
  users: UsersTable
  api_keys: ApiKeysTable
  sessions: SessionsTable
  codes: CodesTable
  invites: InvitesTable
  files: FilesTable
  groups: GroupsTable
  pins: PinsTable
  holdings: HoldingsTable
  reservations: ReservationsTable
  cluster_pins: ClusterPinsTable
  counters: CountersTable
  tasks: TasksTable
  uploads: UploadsTable
  links: LinksTable
  usage_days: UsageDaysTable
  views: ViewsTable
  audit: AuditTable
  event_heads: EventHeadsTable
  events: EventsTable
  webhooks: WebhooksTable
  webhook_deliveries: WebhookDeliveriesTable
}

/** Facts about the database itself: `service_id`, `schema_version`. Parts of the service keep single values here too. */
export interface MetaTable { key: string, value: string }

/** What files and pins belong to; today each user has one. Times here and below: Unix milliseconds. */
export interface WorkspacesTable { id: string, name: string, created_at: number }

/** `deleting`: a task is removing what the user has. */
export type UserState = 'active' | 'suspended' | 'deleting'
/** Admins see and change others' accounts. */
export type UserRole = 'user' | 'admin'

/** The accounts. */
export interface UsersTable {
  id: string
  email: string
  /** The folded address, unique. */
  email_key: string
  /** Algorithm, parameters, salt and hash in one text. */
  password_hash: string
  created_at: number
  verified_at: number | null
  state: UserState
  role: UserRole
  quota_bytes: number
  /** Sum of the user's holdings and reservations. */
  used_bytes: Generated<number>
  /** Number of the user's files in any state (without those of origin `pins`). */
  file_count: Generated<number>
  /** Sum of their sizes. */
  file_bytes: Generated<number>
  /** To the minute. 0: never. */
  last_seen_at: Generated<number>
  workspace_id: string
}

/** Keys, and not their secrets. */
export interface ApiKeysTable {
  id: string
  user_id: string
  workspace_id: string
  name: string
  /** The beginning of the secret, for looking it up. */
  prefix: string
  /** SHA-256 of the whole secret in hex. */
  secret_hash: string
  /** JSON: list of permissions. */
  permissions: string
  /** `default`: made by registration or renewal, ended by the next renewal. */
  kind: 'default' | 'own'
  expires_at: number | null
  max_uses: number | null
  uses: Generated<number>
  created_at: number
  last_used_at: number | null
  revoked_at: number | null
}

/** `address`, `agent`: where the log-in came from, and what program it named; '' where nobody told. */
export interface SessionsTable {
  id_hash: string
  user_id: string
  created_at: number
  expires_at: number
  last_used_at: number
  address: Generated<string>
  agent: Generated<string>
}

/** What a mailed code is good for. */
export type CodePurpose = 'verify' | 'renew' | 'reset'

/** One code for each user and purpose; `none`: nothing can be done with it. */
export interface CodesTable {
  user_id: string, purpose: CodePurpose | 'none', code_hash: string, expires_at: number, attempts_left: number, created_at: number
}

/** `used_by`: ID of the user who came by it. */
export interface InvitesTable {
  code_hash: string
  email: string | null
  created_by: string
  created_at: number
  expires_at: number
  used_at: number | null
  used_by: string | null
  revoked_at: number | null
}

/** See docs/reference/service-files.md. */
export const fileStates = ['staged', 'importing', 'pinning', 'pinned', 'unpinned', 'failed'] as const
/** One of `fileStates`. */
export type FileState = typeof fileStates[number]
/** What the content's root is; of a CAR whatever its root names. */
export type FileKind = 'file' | 'directory' | 'car'
/** How the file came: its bytes, its CID alone, or a pin of the Pinning Service API. */
export type FileOrigin = 'upload' | 'cid' | 'pins'

/** One row for each user and CID. */
export interface FilesTable {
  id: string
  user_id: string
  workspace_id: string
  cid: string
  kind: FileKind
  original_filename: string
  /** `folded(original_filename)`. */
  name_key: string
  content_type: string
  size_bytes: number
  group_id: string | null
  /** JSON: object of texts. */
  meta: Generated<string>
  state: FileState
  error: string | null
  uploaded_at: number
  view_count: Generated<number>
  /** 0: never. */
  last_accessed_at: Generated<number>
  staging_key: string | null
  /**
   * How it came here. `pins`: it stands in the list for tenant pins of a CID that isn't a file of the user; such rows are counted nowhere.
   */
  origin: Generated<FileOrigin>
  /** 1: it is an owner of the CID's row in `cluster_pins`. */
  owns_pin: Generated<number>
  /** Of the import. */
  lease_until: number | null
  tries: Generated<number>
}

/** Names for files that belong together. */
export interface GroupsTable { id: string, user_id: string, workspace_id: string, name: string, created_at: number }

/** `created` is unique for each user. */
export interface PinsTable {
  request_id: string
  user_id: string
  workspace_id: string
  cid: string
  name: string
  /** `folded(name)`. */
  name_key: string
  /** JSON: list of multiaddrs. */
  origins: Generated<string>
  /** JSON: object of texts. */
  meta: Generated<string>
  created: number
  status: PinningStatus
  /** JSON: object of texts. */
  info: Generated<string>
  size_bytes: number | null
}

/** A user holds a CID: `holders` is the number of the user's active files and pins of it. Bytes that aren't known yet count nothing. */
export interface HoldingsTable { user_id: string, cid: string, size_bytes: number | null, holders: number }

/** Quota for what is on its way. One that is over is given back. */
export interface ReservationsTable { id: string, user_id: string, bytes: number, purpose: string, created_at: number, expires_at: number }

/** What the service wants of the cluster's pinset, and what came of it. */
export interface ClusterPinsTable {
  cid: string
  /** 1: it was not in the pinset before; only such pins are removed. */
  made: Generated<number>
  owners: number
  want: 'pin' | 'unpin'
  /** 1: the pinset is as wanted. */
  applied: Generated<number>
  status: PinningStatus
  replicas: Generated<number>
  wanted_replicas: Generated<number>
  info: Generated<string>
  name: string
  origins: Generated<string>
  changed_at: number
  /** null: nothing is left to do. */
  next_try_at: number | null
  tries: Generated<number>
  /** Of the whole DAG; null: not known yet. */
  size_bytes: number | null
  /** The user who wanted it first; '' for rows of older versions. */
  tenant: Generated<string>
}

/** Counts that would be too slow to make anew for each request, such as a user's pins by status. */
export interface CountersTable { user_id: string, name: string, value: number }

/** The last three are final. */
export const taskStates = ['PENDING', 'STARTED', 'SUCCESS', 'FAILURE', 'REVOKED'] as const
/** One of `taskStates`. */
export type TaskState = typeof taskStates[number]

/** Work that outlives requests and peers; a peer that works on one holds a lease. */
export interface TasksTable {
  /** A UUID. */
  id: string
  /** null: the service's own. */
  user_id: string | null
  kind: string
  version: number
  /** JSON. */
  input: string
  state: TaskState
  /** JSON. */
  progress: string | null
  /** JSON. */
  result: string | null
  error: string | null
  /** How often it was taken. */
  attempts: Generated<number>
  /** Not to be taken before. */
  run_at: number
  lease_owner: string | null
  lease_until: number | null
  created_at: number
  started_at: number | null
  completed_at: number | null
}

/** Uploads under way: what they hold is given back when they end early. Resumable ones stay for a while, with what became of them. */
export interface UploadsTable {
  id: string
  user_id: string
  workspace_id: string
  /** null: not known yet. */
  length: number | null
  offset: Generated<number>
  /** JSON. */
  metadata: Generated<string>
  staging_key: string | null
  reservation_id: string | null
  link_id: string | null
  state: 'open' | 'finishing' | 'done' | 'failed'
  created_at: number
  expires_at: number
}

/** Links that let others upload into a user's files. */
export interface LinksTable {
  id: string
  /** What it is for: its owner and its receivers read it. */
  name: Generated<string>
  secret_hash: string
  user_id: string
  workspace_id: string
  /** null: what the quota leaves. */
  max_bytes: number | null
  /** JSON: list of media types; an empty one allows all. */
  content_types: Generated<string>
  group_id: string | null
  max_uses: number
  uses: Generated<number>
  expires_at: number
  created_at: number
  revoked_at: number | null
}

/** `day` is YYYY-MM-DD in UTC; `bytes_stored` is the last figure of that day. */
export interface UsageDaysTable {
  user_id: string, day: string, bytes_stored: Generated<number>, bytes_served: Generated<number>, requests: Generated<number>
}

/** Views of a user's content, by day in UTC (`2026-01-31`). */
export interface ViewsTable { user_id: string, cid: string, day: string, views: number }

/** Who did what to whose things. */
export interface AuditTable {
  id: string
  at: number
  /** Whose things it was about. Stays when the user goes. */
  user_id: string | null
  /** Who did it: `user:ID`, `key:ID`, `command-line`, `service`. */
  actor: string
  action: string
  object: string
  address: string
  /** JSON. */
  details: Generated<string>
}

/** The number of each user's newest event. */
export interface EventHeadsTable { user_id: string, seq: number }

/** The newest events of each user. `seq` counts from 1 for each user, without gaps, in the order of the transactions. */
export interface EventsTable {
  user_id: string
  seq: number
  at: number
  type: string
  /** JSON. */
  data: string
}

/** `paused`: by its owner. `failed`: given up, because the receiver was away for too long. */
export const webhookStates = ['active', 'paused', 'failed'] as const
/** One of `webhookStates`. */
export type WebhookState = typeof webhookStates[number]

/** Where users' events are sent. */
export interface WebhooksTable {
  id: string
  user_id: string
  workspace_id: string
  url: string
  /** It signs what is sent, so it has to be kept as it is. */
  secret: string
  /** JSON: list of types of events, or what they are about; an empty one: all. */
  types: Generated<string>
  state: WebhookState
  /** The last event that was delivered. */
  seq: number
  /** Where the delivery ends that failed last: its tries have the same events. */
  tried_seq: Generated<number>
  /** In a row. */
  failures: Generated<number>
  next_try_at: Generated<number>
  lease_until: Generated<number>
  created_at: number
}

/** One row for each try, the newest of each webhook. */
export interface WebhookDeliveriesTable {
  id: string
  webhook_id: string
  user_id: string
  delivery_id: string
  at: number
  attempt: number
  events: number
  type: string
  /** null: no answer came. */
  status: number | null
  error: string | null
  took_ms: number
}

/** A row of `users`, as it is read. */
export type UserRow = Selectable<UsersTable>
/** A row of `api_keys`, as it is read. */
export type ApiKeyRow = Selectable<ApiKeysTable>
/** A row of `files`, as it is read. */
export type FileRow = Selectable<FilesTable>
/** A row of `groups`, as it is read. */
export type GroupRow = Selectable<GroupsTable>
/** A row of `pins`, as it is read. */
export type PinRow = Selectable<PinsTable>
/** A row of `cluster_pins`, as it is read. */
export type ClusterPinRow = Selectable<ClusterPinsTable>
/** A row of `tasks`, as it is read. */
export type TaskRow = Selectable<TasksTable>
/** A row of `uploads`, as it is read. */
export type UploadRow = Selectable<UploadsTable>
/** A row of `links`, as it is read. */
export type LinkRow = Selectable<LinksTable>
/** A row of `audit`, as it is read. */
export type AuditRow = Selectable<AuditTable>
/** A row of `events`, as it is read. */
export type EventRow = Selectable<EventsTable>
/** A row of `webhooks`, as it is read. */
export type WebhookRow = Selectable<WebhooksTable>
/** A row of `webhook_deliveries`, as it is read. */
export type WebhookDeliveryRow = Selectable<WebhookDeliveriesTable>
