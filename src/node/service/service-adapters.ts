import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ServiceApiConfig } from '../../config/service-config.ts'
import type { Limits } from '../../service/limits/limits.ts'
import type { Mail } from '../../service/mail/mail.ts'
import { noMail } from '../../service/mail/no-mail.ts'
import type { Staging } from '../../service/staging/staging.ts'
import { resolveIn } from '../folder/folder.ts'
import type { NodeInit } from '../node-contract.ts'

/** Counters in memory or in Redis, as configured. */
export type MakeLimits = (deps: { clock: Clock, workers: Workers, log: Logger }) => Limits

/** Counts where peers of one service can count together: in the database, when it is one that they share. */
export async function loadLimits ({ database }: Pick<ServiceApiConfig, 'database'>): Promise<MakeLimits> {
  const url = database.url?.reveal()
  if (url == null) {
    const { memoryLimits } = await import('../../service/limits/memory/memory-limits.ts')
    return memoryLimits
  }
  const { postgresLimits } = await import('../../service/limits/postgres/postgres-limits.ts')
  return deps => postgresLimits({ url }, deps)
}

/** How long a mail server may take. */
const mailTimeoutMs = 10_000

/** The way to users that the section asks for; only its code is loaded. A server wins over the log. */
export async function loadMail (section: Pick<ServiceApiConfig, 'mail' | 'publicUrl'>): Promise<(deps: { log: Logger }) => Mail> {
  const { smtpUrl, log: intoLog } = section.mail
  if (smtpUrl != null) {
    const { smtpMail } = await import('../../service/mail/smtp/smtp-mail.ts')
    return deps => smtpMail({ url: smtpUrl.reveal(), from: senderOf(section), timeoutMs: mailTimeoutMs }, deps)
  }
  if (!intoLog) return noMail
  const { logMail } = await import('../../service/mail/log/log-mail.ts')
  return logMail
}

function senderOf ({ mail, publicUrl }: Pick<ServiceApiConfig, 'mail' | 'publicUrl'>): string {
  if (mail.from !== '') return mail.from
  return `noreply@${publicUrl === '' ? 'localhost' : new URL(publicUrl).hostname}`
}

/** A folder or an S3 bucket, as configured. */
export type MakeStaging = (deps: { log: Logger }) => Staging

/** The staging that the section asks for; only its code is loaded. */
export async function loadStaging (
  { folder, identity }: Pick<NodeInit, 'folder' | 'identity'>, { staging: { folder: own, s3 } }: ServiceApiConfig
): Promise<MakeStaging> {
  if (s3.endpoint === '') {
    const { folderStaging } = await import('../../service/staging/folder/folder-staging.ts')
    return () => folderStaging({ folder: resolveIn(folder, own, ''), owner: identity.id })
  }
  const { s3Staging } = await import('../../service/staging/s3/s3-staging.ts')
  return deps => s3Staging({ ...s3, secretKey: s3.secretKey?.reveal() ?? '' }, deps)
}
