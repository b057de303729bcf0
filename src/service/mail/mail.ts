import type { Startable } from '../../base/lifecycle.ts'

/** One mail. Plain text, lines end with "\n". */
export interface Message {
  /** One e-mail address. */
  to: string
  subject: string
  text: string
}

/**
 * The way to the people who have accounts: codes, and news about their account. Starting does no I/O that can fail: a mail server that is
 * away must not keep the peer from starting.
 */
export interface Mail extends Startable {
  /** Whether there is a way at all; without one `send` always rejects with NOT_READY. */
  readonly canSend: boolean
  /**
   * Resolves when a message could be sent now; NOT_READY as `send`. Who may not tell whether an address is known asks this first, for every
   * address.
   */
  ready (options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Resolves when the message was taken over. Rejects with NOT_READY when there is no way to send (`details.configured` false), or the
   * server is away or refuses for now; with REJECTED when the server refuses this receiver for good. The text is never logged, except by
   * the log implementation, whose purpose it is.
   */
  send (message: Message, options?: { signal?: AbortSignal }): Promise<void>
}
