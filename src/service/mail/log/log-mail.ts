import type { Logger } from '../../../base/log.ts'
import type { Mail } from '../mail.ts'

/** Mail goes into the log, codes and all: for trying out, and for those who alone read their log. */
export function logMail ({ log }: { log: Logger }): Mail {
  return {
    name: 'mail',
    canSend: true,
    start: async () => {},
    stop: async () => {},
    ready: async ({ signal } = {}) => signal?.throwIfAborted(),
    send: async ({ to, subject, text }, { signal } = {}) => {
      signal?.throwIfAborted()
      log.info('mail', { to, subject, text })
    }
  }
}
