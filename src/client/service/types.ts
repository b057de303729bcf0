/** What the service's API sends, named as on the wire. Times are ISO 8601 in UTC, sizes bytes. */

/** What an API key may do. `pins`: the Pinning Service API; `gateway:read`: reading at a gateway that asks for a key. */
export type Permission = 'pins:read' | 'pins:write' | 'files:read' | 'files:write' | 'account:read' | 'gateway:read'

/** What a registration answers. */
export interface Registered {
  email: string
  created_at: string
  /** Only here, and not before the address is proved where that is asked for. */
  api_key?: string
}
/** Who is signed in, with the cookie that came along. Times here and below are RFC 3339. */
export interface Session { email: string, role: 'user' | 'admin', expires_at: string }

/** A log-in; `address` and `agent` may be empty. */
export interface SessionSummary { id: string, created_at: string, expires_at: string, address: string, agent: string, current: boolean }

/** The user's own account: sizes in bytes, `file_count` without what came through the Pinning Service API. */
export interface AccountStatus {
  email: string
  created_at: string
  file_count: number
  total_size_bytes: number
  used_bytes: number
  quota_bytes: number
  role: 'user' | 'admin'
  verified: boolean
  /** How many files have each state, without what came through the Pinning Service API. What there is none of may be missing. */
  files_by_state: Partial<Record<FileState, number>>
  /** How many pins of the Pinning Service API have each status. */
  pins_by_status: Partial<Record<PinStatus, number>>
}

/** A key without its secret. `prefix`: the beginning of the secret, to recognize it by. `max_uses` null: any number. */
export interface ApiKey {
  id: string
  name: string
  prefix: string
  permissions: Permission[]
  kind: 'default' | 'own'
  created_at: string
  expires_at: string | null
  last_used_at: string | null
  max_uses: number | null
  uses: number
  revoked_at: string | null
}

/** What a key shall be able to do, and for how long. Absent: everything, without end. */
export interface NewKey { name?: string, permissions?: Permission[], expires_at?: string | null, max_uses?: number | null }
/** A key as it is shown once: afterwards the service knows only the hash of `api_key`. */
export interface CreatedKey { id: string, api_key: string, name: string, permissions: Permission[], expires_at: string | null }
/** One day in UTC, as `2026-01-31`. `bytes_stored` at its end; the rest is what happened during it. */
export interface UsageDay { day: string, bytes_stored: number, bytes_served: number, requests: number, views: number }

/** Where a task stands; the last three are final. */
export type TaskState = 'PENDING' | 'STARTED' | 'SUCCESS' | 'FAILURE' | 'REVOKED'
/** Work that outlives the request that began it. `progress` and `result` are of the kind's own shape. */
export interface Task {
  task_id: string
  kind: string
  state: TaskState
  progress: unknown
  result: unknown
  error: string | null
  created_at: string
  started_at: string | null
  completed_at: string | null
}
/** A task of anybody, as admins see it. */
export interface TaskSummary extends Omit<Task, 'progress' | 'result'> {
  /** null: a task of the service itself. */
  user_id: string | null
  email: string | null
  progress: Record<string, number>
  attempts: number
  run_at: string
}
/** The answer to a request that begins a task. */
export interface TaskStarted { task_id: string }

/** `staged`: the bytes are here and pinned at first access. `unpinned`: known, but no longer kept. */
export type FileState = 'staged' | 'importing' | 'pinning' | 'pinned' | 'unpinned' | 'failed'
/** A file, directory or CAR of the user's. `size` in bytes; `group` is an ID. */
export interface StoredFile {
  cid: string
  original_filename: string
  size: number
  content_type: string
  /** On all replicas. */
  pinned: boolean
  uploaded_at: string
  state: FileState
  error: string | null
  kind: 'file' | 'directory' | 'car'
  origin: 'upload' | 'cid' | 'pins'
  group: string | null
  meta: Record<string, string>
  view_count: number
  last_accessed_at: string | null
}

/**
 * What the cluster says of a file that is pinning or has failed; empty for others. For people: "2 of 3", "block bafy…", times in RFC 3339.
 */
export interface PinningInfo {
  replicas?: string, waiting_for?: string, since?: string, why?: string, asked?: string, progress?: string, error?: string,
  next_try?: string
}
/** A file with how its pin stands in the cluster. */
export interface FollowedFile extends StoredFile { info: PinningInfo }

/** Which files. `q`: part of the name; `meta`: pairs that must be equal. All that is given must hold. */
export interface FileFilter { q?: string, group?: string, state?: FileState, meta?: Record<string, string> }
/** Which files a request changes that names none. */
export interface BulkFilter extends FileFilter { /** CIDs that are left as they are. */ except?: string[] }
/** What files are sorted by. */
export type FileOrder = 'uploaded_at' | 'original_filename' | 'size_bytes' | 'view_count' | 'last_accessed_at'
/** One page of a list of files. */
export interface FileListing extends FileFilter {
  /** With a minus sign the largest come first. Default: `-uploaded_at`. */
  sort?: FileOrder | `-${FileOrder}`
  cursor?: string
  limit?: number
  /** Files to leave out at the beginning, in place of a cursor. */
  offset?: number
}
/** A part of a list; `next_cursor` null: the last part. */
export interface Page<Item> { data: Item[], next_cursor: string | null }
/** A part of the list of files. */
export interface FilePage extends Page<FollowedFile> { /** When it was asked for: how many files fit. */ total?: number }
/** What became of a deletion of many. `failed`: CIDs that are still there. */
export interface Deleted { deleted: number, failed: string[] }
/** `changed`: CIDs that were not so already. */
export interface ChangedPins { changed: string[], failed: Array<{ cid: string, error: string }> }

/** What becomes of the bytes, and how the file is called. */
export interface UploadOptions {
  /** `now`: the answer waits until the file is pinned, ten seconds at most. `on-access`: pinned when somebody first asks for it. */
  pin?: 'now' | 'on-access'
  directory?: boolean
  /** `tar`: a directory, for uploads in several requests (see `tarOf`). */
  format?: 'car' | 'tar'
  name?: string
  group?: string
  meta?: Record<string, string>
}

/** An upload in several requests (tus). `offset` and `length` in bytes; `length` null: not told yet. */
export interface ResumableUpload {
  id: string
  state: 'open' | 'finishing' | 'done' | 'failed'
  offset: number
  length: number | null
  name: string
  content_type: string
  cid: string | null
  error: string | null
  created_at: string
  expires_at: string
}
/** How far an upload is, in bytes; `total` null: nobody knows. */
export interface UploadEvent { id: string, state: string, bytes: number, total: number | null, cid: string | null }

/** What an upload link allows. `max_bytes` null: as much as its owner's quota; empty `content_types`: all. */
export interface LinkLimits {
  name: string, max_bytes: number | null, content_types: string[], max_uses: number, uses: number, expires_at: string
}
/** An upload link as its owner sees it, without its secret. */
export interface UploadLink extends LinkLimits { id: string, group: string | null, created_at: string, revoked_at: string | null }
/** A link with its secret, which is shown once. */
export interface CreatedLink extends UploadLink {
  secret: string
  /** For people: the page to upload on. */
  page_url: string
  url: string
  resumable_url: string
}
/** What a link shall allow. Absent: one upload within a day, of any type, as large as its owner's quota leaves room for. */
export interface NewLink {
  name?: string
  max_bytes?: number
  content_types?: string[]
  group?: string
  max_uses?: number
  /** Seconds. */
  expires_in?: number
}

/** `paused` by its owner, `failed` after too many failures in a row. */
export type WebhookState = 'active' | 'paused' | 'failed'
/** Where the service sends the user's events. */
export interface Webhook {
  id: string
  url: string
  /** Types of events, or what they are about; empty: all. */
  types: string[]
  state: WebhookState
  /** Since the last success. */
  failures: number
  next_try_at: string | null
  created_at: string
}
/** A webhook with the key that signs its deliveries, which is shown once. */
export interface CreatedWebhook extends Webhook { secret: string }
/** What changes; absent stays as it is. */
export interface WebhookChange { url?: string, types?: readonly string[], state?: 'active' | 'paused' }
/** One try. */
export interface WebhookDelivery {
  delivery_id: string
  at: string
  attempt: number
  events: number
  type: string
  /** null: no answer came. */
  status: number | null
  error: string | null
  took_ms: number
}

/** A name for files that belong together. */
export interface Group { id: string, name: string, created_at: string }

/** The statuses of the Pinning Service API. */
export type PinStatus = 'queued' | 'pinning' | 'pinned' | 'failed'
/** A pin as the Pinning Service API has it. `origins`: multiaddresses of peers that have the content. */
export interface ServicePin { cid: string, name?: string, origins?: string[], meta?: Record<string, string> }
/** A pin's status as the Pinning Service API has it. `delegates`: multiaddresses to connect to. */
export interface PinResult {
  requestid: string, status: PinStatus, created: string, pin: ServicePin, delegates: string[], info?: Record<string, unknown>
}
/** The Pinning Service API's filter. Default: pinned ones only, newest first, 10. */
export interface PinFilter {
  cid?: readonly string[]
  name?: string
  match?: 'exact' | 'iexact' | 'partial' | 'ipartial'
  status?: readonly PinStatus[]
  before?: string
  after?: string
  limit?: number
  meta?: Record<string, string>
}
/** `count`: of all that fit. The next page has those `before` the last one's `created`. */
export interface PinResults { count: number, results: PinResult[] }

/** A user as admins see it. Sizes in bytes. */
export interface Account {
  id: string
  email: string
  role: 'user' | 'admin'
  state: 'active' | 'suspended' | 'deleting'
  created_at: string
  verified_at: string | null
  /** To the minute; null: never. */
  last_seen_at: string | null
  quota_bytes: number
  used_bytes: number
  file_count: number
  total_size_bytes: number
}
/** What users are sorted by. */
export type AccountOrder = 'email' | 'used_bytes' | 'last_seen_at' | 'created_at' | 'state'

/** Without its code, which nobody knows but who was given it. */
export interface Invitation {
  id: string
  state: 'open' | 'used' | 'expired' | 'revoked'
  email: string | null
  created_by: string
  created_at: string
  expires_at: string
  used_at: string | null
  used_by: string | null
}
/** Who did what to whose things. `actor`: `user:ID`, `key:ID`, `command-line` or `service`. */
export interface AuditEntry {
  id: string, at: string, user_id: string | null, actor: string, action: string, object: string, address: string, details: Record<string,
  unknown>
}
