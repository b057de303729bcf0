import type { Logger } from '../base/log.ts'
import type { ServiceApiConfig } from '../config/service-config.ts'
import type { Mail } from '../service/mail/mail.ts'
import { noMail } from '../service/mail/no-mail.ts'

const timeoutMs = 10_000

/** The way to users that the section asks for; only its code is loaded. A server wins over the log. */
export async function loadMail (section: Pick<ServiceApiConfig, 'mail' | 'publicUrl'>): Promise<(deps: { log: Logger }) => Mail> {
  const { smtpUrl, log: intoLog } = section.mail
  if (smtpUrl != null) {
    const { smtpMail } = await import('../service/mail/smtp/smtp-mail.ts')
    return deps => smtpMail({ url: smtpUrl.reveal(), from: senderOf(section), timeoutMs }, deps)
  }
  if (!intoLog) return noMail
  const { logMail } = await import('../service/mail/log/log-mail.ts')
  return logMail
}

function senderOf ({ mail, publicUrl }: Pick<ServiceApiConfig, 'mail' | 'publicUrl'>): string {
  if (mail.from !== '') return mail.from
  return `noreply@${publicUrl === '' ? 'localhost' : new URL(publicUrl).hostname}`
}
