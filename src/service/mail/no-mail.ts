import { ClusterError } from '../../base/errors.ts'
import type { Mail } from './mail.ts'

const refused = async (): Promise<never> => {
  throw new ClusterError('NOT_READY', { configured: false }, {
    message: 'this service can not send mail: its operator has to set mail.smtp_url (or mail.log) in the section api.service'
  })
}

/** When neither a server is configured nor the log. */
export const noMail = (): Mail => ({
  name: 'mail', canSend: false, start: async () => {}, stop: async () => {}, ready: refused, send: refused
})
