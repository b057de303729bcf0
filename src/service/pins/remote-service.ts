/** A pin as another pinning service tells it. */
export interface RemotePin {
  requestId: string, cid: string, name: string, origins: string[], meta: Record<string, string>, created: string
}

/** A part of the other service's list; `count`: all that match. */
export interface RemotePage { count: number, pins: RemotePin[] }

/** Another service with the Pinning Service API, of which pins are taken over. */
export interface RemoteService {
  /**
   * The newest pins that are queued, pinning or pinned and were created before this time (RFC 3339), newest first. Rejects with
   * INVALID_ARGUMENT for an address that may not be used, NOT_AUTHORIZED when the token isn't accepted, NOT_READY when it may go better
   * later, UNSUPPORTED for answers that are none of the Pinning Service API.
   */
  page (options: { before?: string, limit: number, signal: AbortSignal }): Promise<RemotePage>
}

/** Where it is, and the bearer token for it. */
export interface RemoteAccess { endpoint: string, token: string }
