import { segment } from './caller.ts'
import type { CallOptions, ServiceCaller } from './caller.ts'
import type {
  AccountStatus, ApiKey, CreatedKey, NewKey, Registered, Session, SessionSummary, Task, TaskStarted, UsageDay
} from './types.ts'

/** What a user signs in with. */
export interface Credentials { email: string, password: string }

/** Sign-up, log-in, the account itself and its keys. */
export class ServiceAccount {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  /** Without `api_key` in the answer a code was mailed first: see `verify`. */
  register (
    account: Credentials & { invite?: string }, options: CallOptions = {}
  ): Promise<Registered> { return this.#data('/register', account, options) }
  verify (
    proof: { email: string, verification_code: string, password?: string }, options: CallOptions = {}
  ): Promise<Registered> { return this.#data('/verify', proof, options) }
  mailVerification (email: string, options: CallOptions = {}): Promise<void> { return this.#post('/verify/challenge', { email }, options) }

  /** The session is a cookie: for browsers. */
  login (credentials: Credentials, options: CallOptions = {}): Promise<Session> { return this.#data('/login', credentials, options) }
  logout (options: CallOptions = {}): Promise<void> { return this.#post('/logout', undefined, options) }

  mailRenewal (email: string, options: CallOptions = {}): Promise<void> { return this.#post('/renew/challenge', { email }, options) }
  renew (
    proof: { email: string, verification_code: string, revoke_all?: boolean }, options: CallOptions = {}
  ): Promise<{ api_key: string }> { return this.#data('/renew', proof, options) }

  changePassword (
    passwords: { old_password: string, new_password: string }, options: CallOptions = {}
  ): Promise<void> { return this.#post('/password', passwords, options) }
  mailPasswordReset (email: string, options: CallOptions = {}): Promise<void> {
    return this.#post('/password/reset/challenge', { email }, options)
  }
  resetPassword (
    proof: { email: string, verification_code: string, new_password: string }, options: CallOptions = {}
  ): Promise<void> { return this.#post('/password/reset', proof, options) }

  status (options: CallOptions = {}): Promise<AccountStatus> { return this.#caller.data({
    method: 'GET', path: '/api/v1/users/status', ...options
  }) }
  usage ({ days, ...options }: CallOptions & { days?: number } = {}): Promise<UsageDay[]> { return this.#caller.data({
    method: 'GET', path: '/api/v1/users/me/usage', query: { days }, ...options
  }) }

  keys (options: CallOptions = {}): Promise<ApiKey[]> { return this.#caller.data({
    method: 'GET', path: '/api/v1/users/me/keys', ...options
  }) }
  createKey (key: NewKey = {}, options: CallOptions = {}): Promise<CreatedKey> { return this.#data('/me/keys', key, options) }
  revokeKey (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `/api/v1/users/me/keys/${segment(id)}`, ...options
  }) }

  /** Log-ins that have not ended, newest first. */
  sessions (options: CallOptions = {}): Promise<SessionSummary[]> { return this.#caller.data({
    method: 'GET', path: '/api/v1/users/me/sessions', ...options
  }) }
  endSession (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `/api/v1/users/me/sessions/${segment(id)}`, ...options
  }) }
  /** All but the one that asks. */
  endOtherSessions (options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: '/api/v1/users/me/sessions', ...options
  }) }

  /** Starts a task that gathers everything of the account; `exported` gives it when that is done. */
  export (options: CallOptions = {}): Promise<TaskStarted> { return this.#data('/me/export', undefined, options) }
  exported (taskId: string, options: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#caller.bytes({ method: 'GET', path: `/api/v1/users/me/export/${segment(taskId)}`, ...options })
  }

  /** Deletes the account and all that belongs to it. */
  delete (password: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: '/api/v1/users/me', json: { password }, ...options
  }) }

  #data<Data> (path: string, json: unknown, options: CallOptions): Promise<Data> { return this.#caller.data({
    method: 'POST', path: `/api/v1/users${path}`, json, ...options
  }) }
  #post (path: string, json: unknown, options: CallOptions): Promise<void> { return this.#caller.done({
    method: 'POST', path: `/api/v1/users${path}`, json, ...options
  }) }
}

/** What takes longer than a request (imports, deletions of many files): lists them, tells how far they are, cancels them. */
export class ServiceTasks {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  list ({ limit, ...options }: CallOptions & { limit?: number } = {}): Promise<Task[]> { return this.#caller.data({
    method: 'GET', path: '/api/v1/tasks', query: { limit }, ...options
  }) }
  status (taskId: string, options: CallOptions = {}): Promise<Task> { return this.#caller.data({
    method: 'GET', path: `/api/v1/tasks/${segment(taskId)}/status`, ...options
  }) }
  revoke (taskId: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `/api/v1/tasks/${segment(taskId)}`, ...options
  }) }
}
