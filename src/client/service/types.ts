/** What the service's API sends, named as on the wire. Times are ISO 8601 in UTC, sizes bytes. */

export type Permission = 'pins:read' | 'pins:write' | 'files:read' | 'files:write' | 'account:read' | 'gateway:read'

export interface Registered {
  email: string
  created_at: string
  /** Only here, and not before the address is proved where that is asked for. */
  api_key?: string
}
export interface Session { email: string, role: 'user' | 'admin', expires_at: string }

/** A log-in; `address` and `agent` may be empty. */
export interface SessionSummary { id: string, created_at: string, expires_at: string, address: string, agent: string, current: boolean }

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

export interface NewKey { name?: string, permissions?: Permission[], expires_at?: string | null, max_uses?: number | null }
export interface CreatedKey { id: string, api_key: string, name: string, permissions: Permission[], expires_at: string | null }
export interface UsageDay { day: string, bytes_stored: number, bytes_served: number, requests: number, views: number }

export type TaskState = 'PENDING' | 'STARTED' | 'SUCCESS' | 'FAILURE' | 'REVOKED'
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
export interface TaskStarted { task_id: string }

export type FileState = 'staged' | 'importing' | 'pinning' | 'pinned' | 'unpinned' | 'failed'
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
export interface FollowedFile extends StoredFile { info: PinningInfo }

export interface FileFilter { q?: string, group?: string, state?: FileState, meta?: Record<string, string> }
export interface BulkFilter extends FileFilter { /** CIDs that are left as they are. */ except?: string[] }
export type FileOrder = 'uploaded_at' | 'original_filename' | 'size_bytes' | 'view_count' | 'last_accessed_at'
export interface FileListing extends FileFilter {
  /** With a minus sign the largest come first. Default: `-uploaded_at`. */
  sort?: FileOrder | `-${FileOrder}`
  cursor?: string
  limit?: number
  /** Files to leave out at the beginning, in place of a cursor. */
  offset?: number
}
export interface Page<Item> { data: Item[], next_cursor: string | null }
export interface FilePage extends Page<FollowedFile> { /** When it was asked for: how many files fit. */ total?: number }
export interface Deleted { deleted: number, failed: string[] }
/** `changed`: CIDs that were not so already. */
export interface ChangedPins { changed: string[], failed: Array<{ cid: string, error: string }> }

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
export interface UploadEvent { id: string, state: string, bytes: number, total: number | null, cid: string | null }

export interface LinkLimits {
  name: string, max_bytes: number | null, content_types: string[], max_uses: number, uses: number, expires_at: string
}
export interface UploadLink extends LinkLimits { id: string, group: string | null, created_at: string, revoked_at: string | null }
export interface CreatedLink extends UploadLink {
  secret: string
  /** For people: the page to upload on. */
  page_url: string
  url: string
  resumable_url: string
}
export interface NewLink {
  name?: string
  max_bytes?: number
  content_types?: string[]
  group?: string
  max_uses?: number
  /** Seconds. */
  expires_in?: number
}

export type WebhookState = 'active' | 'paused' | 'failed'
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
export interface CreatedWebhook extends Webhook { secret: string }
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

export interface Group { id: string, name: string, created_at: string }

export type PinStatus = 'queued' | 'pinning' | 'pinned' | 'failed'
export interface ServicePin { cid: string, name?: string, origins?: string[], meta?: Record<string, string> }
export interface PinResult {
  requestid: string, status: PinStatus, created: string, pin: ServicePin, delegates: string[], info?: Record<string, unknown>
}
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
export interface AuditEntry {
  id: string, at: string, user_id: string | null, actor: string, action: string, object: string, address: string, details: Record<string,
  unknown>
}
