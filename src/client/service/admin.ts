import { segment } from './caller.ts'
import type { CallOptions, ServiceCaller } from './caller.ts'
import type { Account, AccountOrder, AuditEntry, Invitation, Page, TaskState, TaskSummary, UsageDay } from './types.ts'

const path = '/api/v1/admin'

/** For admins: all accounts, their quotas and states, invitations, tasks and the log of what admins did. */
export class ServiceAdmin {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  users (
    { signal, ...query }: CallOptions & { q?: string, sort?: AccountOrder | `-${AccountOrder}`, cursor?: string, limit?: number } = {}
  ): Promise<Page<Account>> { return this.#page('/users', query, signal) }
  user (id: string, options: CallOptions = {}): Promise<Account> { return this.#caller.data({
    method: 'GET', path: `${path}/users/${segment(id)}`, ...options
  }) }
  change (id: string, changes: { state?: 'active' | 'suspended', quota_bytes?: number }, options: CallOptions = {}): Promise<Account> {
    return this.#caller.data({ method: 'PATCH', path: `${path}/users/${segment(id)}`, json: changes, ...options })
  }

  usage (id: string, { days, ...options }: CallOptions & { days?: number } = {}): Promise<UsageDay[]> {
    return this.#caller.data({ method: 'GET', path: `${path}/users/${segment(id)}/usage`, query: { days }, ...options })
  }

  invite (invitation: { email?: string, days?: number } = {}, options: CallOptions = {}): Promise<{ invite: string, expires_at: string }> {
    return this.#caller.data({ method: 'POST', path: `${path}/invites`, json: invitation, ...options })
  }

  /** Newest first; `ended`: used, expired or revoked. */
  invites (
    { signal, ...query }: CallOptions & { state?: 'open' | 'ended', cursor?: string, limit?: number } = {}
  ): Promise<Page<Invitation>> { return this.#page('/invites', query, signal) }
  revokeInvite (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `${path}/invites/${segment(id)}`, ...options
  }) }

  /** Everybody's, newest first. */
  tasks (
    { signal, ...query }: CallOptions & { user?: string, state?: TaskState, kind?: string, cursor?: string, limit?: number } = {}
  ): Promise<Page<TaskSummary>> {
    return this.#page('/tasks', query, signal)
  }

  revokeTask (taskId: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `${path}/tasks/${segment(taskId)}`, ...options
  }) }

  /** Newest first. */
  audit (
    { signal, ...query }: CallOptions & { user?: string, action?: string, cursor?: string, limit?: number } = {}
  ): Promise<Page<AuditEntry>> { return this.#page('/audit', query, signal) }

  #page<Item> (to: string, query: Record<string, string | number | undefined>, signal: AbortSignal | undefined): Promise<Page<Item>> {
    return this.#caller.json({ method: 'GET', path: `${path}${to}`, query, ...(signal == null ? {} : { signal }) })
  }
}
