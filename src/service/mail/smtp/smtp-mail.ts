import { createTransport } from 'nodemailer'
import type { Transporter } from 'nodemailer'
import { orAborted } from '../../../base/clock.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Mail, Message } from '../mail.ts'

export interface SmtpMailInit {
  /** `smtp://user:password@host:587` (STARTTLS when the server offers it) or `smtps://…`. Options of nodemailer may follow as a query. */
  url: string
  /** The sender's address. */
  from: string
  /** How long connecting, and each of the server's answers, may take. Milliseconds. */
  timeoutMs: number
}

/** Mail by a server that speaks SMTP. Connections are kept for a while and opened anew when they break. */
export function smtpMail (init: SmtpMailInit, deps: { log: Logger }): Mail { return new SmtpMail(init, deps) }

class SmtpMail implements Mail {
  readonly name = 'mail'
  readonly canSend = true
  readonly #init: SmtpMailInit
  readonly #log: Logger
  readonly #transport: Transporter

  constructor (init: SmtpMailInit, { log }: { log: Logger }) {
    this.#init = init
    this.#log = log
    this.#transport = createTransport({
      url: init.url,
      connectionTimeout: init.timeoutMs,
      greetingTimeout: init.timeoutMs,
      socketTimeout: init.timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true
    } as Parameters<typeof createTransport>[0])
  }

  async start (): Promise<void> {}
  async stop (): Promise<void> { this.#transport.close() }

  async ready ({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#done(this.#transport.verify(), signal)
  }

  async send ({ to, subject, text }: Message, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    // an address object is one receiver, whatever its text has in it
    await this.#done(this.#transport.sendMail({ from: this.#init.from, to: { name: '', address: to }, subject, text }), signal)
  }

  async #done (work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await (signal == null ? work : orAborted(work, signal))
    } catch (err) {
      signal?.throwIfAborted()
      throw this.#errorOf(err)
    }
  }

  /** A receiver that is refused for good (5xx to RCPT) is not the server's fault. */
  #errorOf (err: unknown): ClusterError {
    const { responseCode, command } = err as { responseCode?: number, command?: string }
    if (command === 'RCPT TO' && responseCode != null && responseCode >= 500) {
      return new ClusterError('REJECTED', { responseCode }, { message: 'the mail server refuses this receiver', cause: err })
    }
    this.#log.warn('mail can not be sent', { err: messageOf(err) })
    return new ClusterError('NOT_READY', { configured: true }, { message: 'mail can not be sent now: try again later', cause: err })
  }
}
