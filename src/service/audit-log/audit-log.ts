import type { Sql } from '../sql/sql.ts'
import type { AuditRow } from '../sql/tables.ts'

/** Something that was done and may have to be answered for. */
export interface AuditEntry {
  /** Who did it: `user:ID`, `key:ID`, `command-line`, `service`. */
  actor: string
  /** Whose things it was about; null for nobody's. */
  user: string | null
  /** `login`, `key-create`, `key-revoke`, `role`, `suspend`, `delete`, … */
  action: string
  /** On what: an id, a CID, an address; '' when the user says it all. */
  object?: string
  /** Where the request came from; '' for the service itself. */
  address?: string
  /** Never a secret. */
  details?: Readonly<Record<string, unknown>>
}

/** Which entries; newest first. */
export interface AuditQuery {
  user?: string
  action?: string
  /** `next` of the page before. */
  cursor?: string
  /** Default 100, at most 1,000. */
  limit?: number
}

/** Who did what, on what, when and from where; in the transaction that did it. */
export interface AuditLog {
  /** Part of the transaction: what is rolled back was never done. */
  record (tx: Sql, entry: AuditEntry): Promise<void>
  /** Newest first. `next` is null on the last page. INVALID_ARGUMENT for a cursor that isn't one. */
  list (query?: AuditQuery): Promise<{ entries: AuditRow[], next: string | null }>
}
